import { mkdir } from 'node:fs/promises';
import { freePort } from '../../../../../libs/kyu-embedded/src/free-port.js';
import { redisBinary } from '../../../../../libs/kyu-embedded/src/redis-engine.js';
import { ServerProcess } from '../../../../../libs/kyu-embedded/src/server-process.js';

const READY = /Ready to accept connections/;

/** A redis-server with an append-only file, as BullMQ's documentation asks for in production. It comes back on the same port with what it had. */
export class DurableRedis {
  private process: ServerProcess | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async make(folder: string): Promise<DurableRedis> {
    const binary = redisBinary('native')!;
    await mkdir(folder, { recursive: true });
    return new DurableRedis(binary, folder, await freePort());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.process = new ServerProcess(
      'redis-server',
      this.binary,
      Object.entries({
        '--port': String(this.port),
        '--bind': '127.0.0.1',
        '--appendonly': 'yes',
        '--appendfsync': 'everysec',
        '--maxmemory-policy': 'noeviction',
        '--dir': this.folder,
      }).flat(),
      { cwd: this.folder, detached: true },
    );
    const { log } = this.process;
    await this.process.ready(() => READY.test(log.text));
  }

  /** SIGKILL. */
  async crash(): Promise<void> {
    await this.process?.stop();
  }
}
