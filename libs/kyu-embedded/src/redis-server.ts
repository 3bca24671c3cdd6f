import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PortTakenError, withPort } from './free-port.js';
import type { RunningServer, StartRedis } from './keeper-messages.js';
import { ServerProcess } from './server-process.js';

/** redis-server prints the first when its socket is bound; the last line of wasm-valkey-process.ts is the second. */
const LISTENS = { native: /Ready to accept connections/, wasm: /Socket bound/ };

const WASM_ENTRY = fileURLToPath(
  new URL('./wasm-valkey-process.js', import.meta.url),
);

/** Starts a Redis that forgets everything at its end, on 127.0.0.1. */
export async function startRedisServer(
  { port: fixed, binary }: StartRedis,
  folder: string,
): Promise<RunningServer> {
  await mkdir(folder, { mode: 0o700 });
  try {
    return await withPort(fixed, async (port) => {
      const server =
        binary === undefined
          ? wasmValkey(port, folder)
          : nativeRedis(binary, port, folder);
      const listens = binary === undefined ? LISTENS.wasm : LISTENS.native;
      // Not a PING: another server that holds the port would answer it.
      await server.ready(() => listens.test(server.log.text));
      const name = /(Redis|Valkey) version=[\d.]+/i.exec(server.log.text)?.[0];
      const how = binary === undefined ? 'WebAssembly' : binary;
      return {
        url: `redis://127.0.0.1:${port}`,
        description: `${name?.replace(' version=', ' ') ?? 'Redis'} (embedded, ${how})`,
        stop: () => server.stop('SIGTERM'),
      };
    });
  } catch (error) {
    if (error instanceof PortTakenError)
      throw new Error(`${error.message}\nLeave out "port" to get a free one.`, {
        cause: error,
      });
    throw error;
  }
}

function nativeRedis(
  binary: string,
  port: number,
  folder: string,
): ServerProcess {
  return new ServerProcess(
    'redis-server',
    binary,
    // No configuration file is read; nothing is ever saved.
    Object.entries({
      '--port': String(port),
      '--bind': '127.0.0.1',
      '--save': '',
      '--appendonly': 'no',
      '--dir': folder,
    }).flat(),
    { cwd: folder },
  );
}

/** A process of its own, so that its work and a crash of it do not reach the keeper. */
function wasmValkey(port: number, folder: string): ServerProcess {
  return new ServerProcess(
    'Valkey in WebAssembly',
    process.execPath,
    // The package uses node:wasi, whose warning would only scare people.
    ['--disable-warning=ExperimentalWarning', WASM_ENTRY, String(port)],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
}
