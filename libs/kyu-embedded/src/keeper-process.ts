/**
 * Entry of the keeper: the process that owns the servers of one program. It outlives that program, however it
 * ends, by the moment it takes to stop the servers and remove their folder. It has a process group of its own and
 * ignores signals, so a Ctrl-C in the terminal is for the program alone, which may still need its servers to drain.
 */
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type {
  Reply,
  Request,
  RunningServer,
  StartSpec,
} from './keeper-messages.js';
import { messageOf } from './message-of.js';
import { startPostgresServer } from './postgres-server.js';
import { startRedisServer } from './redis-server.js';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => undefined);
// The program reads stderr while it runs; afterwards nobody does, and that must not stop the cleaning up.
process.stderr.on('error', () => undefined);
process.title = 'kyu-embedded keeper';

const servers = new Map<number, Promise<RunningServer>>();
let folder: Promise<string> | undefined;
let ending: Promise<void> | undefined;

process.on('message', (request: Request) => void handle(request));
process.on('disconnect', () => void end(0));
process.on('uncaughtException', (error) => {
  console.error(error);
  void end(1);
});
if (!process.connected) void end(0);

async function handle(request: Request): Promise<void> {
  const { id } = request;
  try {
    if (request.type === 'stop') {
      await stop(id);
      return tell({ type: 'stopped', id });
    }
    const starting = start(id, request.spec);
    servers.set(id, starting);
    const { url, description } = await starting;
    tell({ type: 'started', id, url, description });
  } catch (error) {
    tell({ type: 'failed', id, message: messageOf(error) });
  }
}

async function start(id: number, spec: StartSpec): Promise<RunningServer> {
  const own = path.join(await (folder ??= makeFolder()), `${spec.kind}-${id}`);
  return spec.kind === 'postgres'
    ? startPostgresServer(spec, own)
    : startRedisServer(spec, own);
}

async function makeFolder(): Promise<string> {
  const prefix = path.join(await realpath(tmpdir()), 'kyu-embedded-');
  const made = await mkdtemp(prefix);
  // Root's postgres runs as another user, who has to get through to a folder that is his.
  if (process.getuid?.() === 0) await chmod(made, 0o711);
  return made;
}

async function stop(id: number): Promise<void> {
  const server = await servers.get(id);
  servers.delete(id);
  await server?.stop();
}

/** Once: a server that is just starting is let start, which takes a second, as half of one is harder to stop. */
function end(code: number): Promise<void> {
  return (ending ??= (async () => {
    await Promise.allSettled([...servers.keys()].map(stop));
    const made = await folder?.catch(() => undefined);
    if (made !== undefined)
      await rm(made, { recursive: true, force: true, maxRetries: 10 });
    process.exit(code);
  })());
}

function tell(reply: Reply): void {
  // The program may end at any moment; then 'disconnect' has the rest done.
  if (process.connected) process.send?.(reply, () => undefined);
}
