import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';

/** Whether this machine has a redis-server of its own, and the tests may use it. */
export const HAS_REDIS_SERVER =
  process.env['KYU_EMBEDDED_REDIS'] !== 'wasm' && isInstalled();

/** For the name of a test that needs one: it says so when there is none. */
export const needsRedisServer = HAS_REDIS_SERVER
  ? { it, note: '' }
  : { it: it.skip, note: ' [NOT RUN: needs a redis-server on the PATH]' };

/** A private redis-server with settings of its own, which forgets everything at its end. */
export class NativeRedis {
  private constructor(
    private readonly process: ChildProcess,
    readonly folder: string,
    readonly port: number,
    readonly socket: string,
  ) {}

  static async start(
    settings: Record<string, string> = {},
  ): Promise<NativeRedis> {
    const folder = await mkdtemp(path.join(tmpdir(), 'kyu-redis-'));
    const port = await freePort();
    const socket = path.join(folder, 'redis.sock');
    const server = new NativeRedis(
      spawn(
        'redis-server',
        Object.entries({
          '--port': String(port),
          '--bind': '127.0.0.1',
          '--save': '',
          '--appendonly': 'no',
          '--dir': folder,
          '--unixsocket': socket,
          ...settings,
        }).flat(),
        { stdio: 'ignore' },
      ),
      folder,
      port,
      socket,
    );
    const probe = new Redis(port, '127.0.0.1');
    probe.on('error', () => undefined);
    await until('redis-server to answer', () => probe.ping());
    probe.disconnect();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
