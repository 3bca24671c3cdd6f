import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../libs/kyu-embedded/src/free-port.js';
import { redisBinary } from '../../../libs/kyu-embedded/src/redis-engine.js';
import { ServerProcess } from '../../../libs/kyu-embedded/src/server-process.js';

const LISTENS = /Ready to accept connections|Socket bound/;
const WASM_ENTRY = fileURLToPath(
  new URL(
    '../../../libs/kyu-embedded/src/wasm-valkey-process.js',
    import.meta.url,
  ),
);

/** A Redis of the suite's own that can go, and come back empty on the same port. `redis-server` of the PATH, else Valkey in WebAssembly. */
export class RedisController {
  private process: ServerProcess | undefined;
  private readonly binary = redisBinary(undefined);

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async make(folder: string): Promise<RedisController> {
    await mkdir(folder, { recursive: true });
    return new RedisController(folder, await freePort());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.process = this.binary
      ? new ServerProcess(
          'redis-server',
          this.binary,
          Object.entries({
            '--port': String(this.port),
            '--bind': '127.0.0.1',
            '--save': '',
            '--appendonly': 'no',
            '--dir': this.folder,
          }).flat(),
          { cwd: this.folder, detached: true },
        )
      : new ServerProcess(
          'Valkey in WebAssembly',
          process.execPath,
          [
            '--disable-warning=ExperimentalWarning',
            WASM_ENTRY,
            String(this.port),
          ],
          {
            cwd: this.folder,
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
          },
        );
    const { log } = this.process;
    await this.process.ready(() => LISTENS.test(log.text));
  }

  /** Without a goodbye, and all that it held is gone. */
  async crash(): Promise<void> {
    await this.process?.stop();
    this.process = undefined;
  }
}
