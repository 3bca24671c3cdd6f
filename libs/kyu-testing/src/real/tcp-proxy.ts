import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A wire that can be cut: connections through it go to the server behind `url` until `cut()`, and again after `mend()`. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private up = true;

  private constructor(
    private readonly server: Server,
    /** The URL of the server, by way of this proxy. */
    readonly url: string,
  ) {}

  static async open(url: string): Promise<TcpProxy> {
    const target = new URL(url);
    const server = createServer((client) => proxy.join(client, target));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    server.unref(); // a test that forgets to close its application still ends
    const via = new URL(url);
    via.hostname = '127.0.0.1';
    via.port = String((server.address() as AddressInfo).port);
    const proxy = new TcpProxy(server, via.href);
    return proxy;
  }

  /** Resets all connections and every new one. */
  cut(): void {
    this.up = false;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.up = true;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private join(client: Socket, target: URL): void {
    if (!this.up) return void client.resetAndDestroy();
    const defaultPort = target.protocol.startsWith('redis') ? 6379 : 5432;
    const server = connect(
      Number(target.port || defaultPort),
      target.hostname.replace(/^\[|\]$/g, ''),
    );
    for (const socket of [client, server]) {
      socket.unref(); // who is at their ends keeps the process, or does not: after a boot that failed, nobody closes this
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server).pipe(client);
  }
}
