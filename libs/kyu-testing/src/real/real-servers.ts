import { isolated } from '../isolated.js';
import { TcpProxy } from './tcp-proxy.js';

interface Servers {
  postgresUrl: string;
  redisUrl: string;
  stop(): Promise<void>;
}

/** The servers of this process: started for the first application of mode `'real'`, and stopped with the last. */
let running: Promise<Servers> | undefined;
let users = 0;

/** What one registration has of the servers: names of its own, and wires that can be cut. */
export class RealServers {
  readonly names = isolated();
  private released: Promise<void> | undefined;

  private constructor(
    readonly postgres: TcpProxy,
    readonly redis: TcpProxy,
  ) {}

  static async lease(): Promise<RealServers> {
    users++;
    try {
      const { postgresUrl, redisUrl } = await (running ??= start());
      return new RealServers(
        await TcpProxy.open(postgresUrl),
        await TcpProxy.open(redisUrl),
      );
    } catch (error) {
      await leave();
      throw error;
    }
  }

  /** Once: an application whose boot failed cleans up, and may be closed by the test as well. */
  release(): Promise<void> {
    return (this.released ??= this.closeAndLeave());
  }

  private async closeAndLeave(): Promise<void> {
    await Promise.all([this.postgres.close(), this.redis.close()]);
    await leave();
  }
}

async function leave(): Promise<void> {
  if (--users > 0) return;
  const last = running;
  running = undefined;
  const servers = await last?.catch(() => undefined); // who waited for it was told
  await servers?.stop();
}

/** Imported only here: the other modes do without. */
async function start(): Promise<Servers> {
  const { resolveServers } = await import('@kyu/embedded').catch(
    (cause: unknown) => {
      throw new Error(
        "mode: 'real' takes its servers from @kyu/embedded: npm install --save-dev @kyu/embedded.",
        { cause },
      );
    },
  );
  return resolveServers();
}
