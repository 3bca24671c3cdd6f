import { createServer, type AddressInfo } from 'node:net';

const ATTEMPTS = 5;

/** A server could not bind its port, because someone else holds it. */
export class PortTakenError extends Error {}

/** A port of 127.0.0.1 that nobody holds at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts a server on `fixed`, or on a free port. Between finding a free port and binding it another process may
 * be quicker, so a lost race is tried again with a new one. A fixed port is what the caller asked for: no retry.
 */
export async function withPort<T>(
  fixed: number | undefined,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = fixed ?? (await freePort());
    try {
      return await start(port);
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
      if (fixed !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
}
