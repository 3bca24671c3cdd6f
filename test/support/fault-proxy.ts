import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';

/** - `cut`: connections are reset, new ones too. `blackhole`: bytes are swallowed both ways, nobody is told. `deaf`: what the server answers is swallowed. `late`: it arrives when that is over. */
export type Fault = 'none' | 'cut' | 'blackhole' | 'deaf' | 'late';

interface Wire {
  client: Socket;
  server: Socket;
  /** Bytes of it were swallowed: it stays so after the fault, as a connection does whose state a firewall has forgotten. */
  fault: Fault;
  late: Buffer[];
}

export interface FaultProxyOptions {
  /** Sees what clients send, connection by connection. */
  tap?: (chunk: Buffer, connection: number) => void;
}

/** A wire with more faults than a cut: in particular half-open connections, which neither end notices by itself. */
export class FaultProxy {
  private readonly wires = new Set<Wire>();
  private fault: Fault = 'none';
  private count = 0;
  /** Connections that were refused while it was cut. */
  refused = 0;

  private constructor(
    private readonly server: Server,
    /** The URL of the server, by way of this proxy. */
    readonly url: string,
    private target: URL,
  ) {}

  static async open(
    url: string,
    options: FaultProxyOptions = {},
  ): Promise<FaultProxy> {
    const server = createServer((client) =>
      proxy.join(client, proxy.target, options),
    );
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const via = new URL(url);
    via.hostname = '127.0.0.1';
    via.port = String((server.address() as AddressInfo).port);
    const proxy = new FaultProxy(server, via.href, new URL(url));
    return proxy;
  }

  /** From now on; `none` heals new connections, and those that lost no bytes. */
  set(fault: Fault): void {
    this.fault = fault;
    for (const wire of this.wires) {
      if (fault === 'cut') this.reset(wire);
      if (fault !== 'none') wire.fault = fault;
      else if (wire.fault === 'late') {
        wire.fault = 'none';
        for (const chunk of wire.late.splice(0)) wire.client.write(chunk);
      }
    }
  }

  /** New connections go to this server; those that are open stay where they are, as after a change of DNS. */
  retarget(url: string): void {
    this.target = new URL(url);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.wires.size;
  }

  /** Resets the connections that are open now; new ones pass. */
  resetAll(): void {
    for (const wire of this.wires) this.reset(wire);
  }

  async close(): Promise<void> {
    this.set('cut');
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private reset({ client, server }: Wire): void {
    client.resetAndDestroy();
    server.resetAndDestroy();
  }

  private join(client: Socket, target: URL, { tap }: FaultProxyOptions): void {
    client.on('error', () => undefined);
    if (this.fault === 'cut') {
      this.refused++;
      return void client.resetAndDestroy();
    }
    const number = this.count++;
    const server = connect(Number(target.port), target.hostname);
    const wire: Wire = { client, server, fault: this.fault, late: [] };
    this.wires.add(wire);
    server.on('error', () => undefined);
    client.on('data', (chunk) => {
      tap?.(chunk, number);
      if (wire.fault !== 'blackhole') server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (wire.fault === 'none') client.write(chunk);
      else if (wire.fault === 'late') wire.late.push(chunk);
    });
    client.on('close', () => {
      this.wires.delete(wire);
      server.destroy();
    });
    // A server that hangs up on a wire nobody hears on is not heard either.
    server.on('close', () => {
      if (wire.fault !== 'blackhole') client.destroy();
    });
  }
}
