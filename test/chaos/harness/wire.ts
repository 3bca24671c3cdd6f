import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a wire does.
 * - `open`: carries.
 * - `reset`: breaks every connection and refuses new ones.
 * - `swallow`: half-open. Connections stay, nothing arrives; what was swallowed is lost, so such a connection never comes to life again.
 * - `hold`: a partition that heals. Nothing arrives until the end, then everything does, in order.
 * - `slow`: everything arrives late.
 * - `truncate`: the next answer is cut in the middle, and its connection breaks.
 */
export type WireMode =
  'open' | 'reset' | 'swallow' | 'hold' | 'slow' | 'truncate';

const SLOW_MS = 40;

/** One connection through the wire. */
interface Line {
  client: Socket;
  server: Socket;
  dead: boolean;
}

/** The wire between one process and one server: a TCP proxy that can fail in the ways that networks do. */
export class Wire {
  private mode: WireMode = 'open';
  private readonly lines = new Set<Line>();

  private constructor(
    private readonly listener: Server,
    readonly url: string,
  ) {}

  static async open(url: string): Promise<Wire> {
    const target = new URL(url);
    const listener = createServer((client) => wire.join(client, target));
    await new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', resolve);
    });
    const via = new URL(url);
    via.port = String((listener.address() as AddressInfo).port);
    const wire = new Wire(listener, via.href);
    return wire;
  }

  set(mode: WireMode): void {
    this.mode = mode;
    for (const line of this.lines) {
      if (mode === 'reset') hangUp(line);
      if (mode === 'swallow') line.dead = true;
      if (mode === 'hold') pause(line);
      if (mode === 'open') resume(line);
    }
  }

  /** Of its connections to the server: by these the server knows whose they are. */
  get ports(): number[] {
    return [...this.lines].map(({ server }) => server.localPort ?? 0);
  }

  async close(): Promise<void> {
    this.set('reset');
    await new Promise((resolve) => {
      this.listener.close(resolve);
    });
  }

  private join(client: Socket, target: URL): void {
    if (this.mode === 'reset') return void client.resetAndDestroy();
    const server = connect(Number(target.port), target.hostname);
    const line: Line = { client, server, dead: this.mode === 'swallow' };
    this.lines.add(line);
    const carry = (from: Socket, to: Socket, answers: boolean): void => {
      let last = Promise.resolve();
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('data', (chunk) => {
        if (line.dead) return;
        if (answers && this.mode === 'truncate') {
          this.mode = 'open';
          to.write(chunk.subarray(0, chunk.length / 2), () => hangUp(line));
          return;
        }
        if (this.mode === 'slow')
          last = last
            .then(() => sleep(SLOW_MS))
            .then(() => void to.write(chunk));
        else to.write(chunk);
      });
      from.on('close', () => {
        this.lines.delete(line);
        client.destroy();
        server.destroy();
      });
    };
    carry(client, server, false);
    carry(server, client, true);
    if (this.mode === 'hold') pause(line);
  }
}

const hangUp = ({ client, server }: Line): void => {
  client.resetAndDestroy();
  server.resetAndDestroy();
};

// Paused sockets keep what arrives in the buffers of the system, as a network that sends again would.
const pause = ({ client, server }: Line): void => {
  client.pause();
  server.pause();
};

const resume = ({ client, server, dead }: Line): void => {
  if (dead) return;
  client.resume();
  server.resume();
};
