import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** A server on a port that was free: it takes the port until it is closed. */
export async function takePort(): Promise<{ port: number; server: Server }> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const { port, server } = await takePort();
  server.close();
  await once(server, 'close');
  return port;
}
