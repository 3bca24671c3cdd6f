import type { MessagePort } from 'node:worker_threads';
import type { ClientConfig } from 'pg';

/** What the thread is given. Everything is cloned, except `clock`, which both threads see. */
export interface HeartbeatLoopData {
  /** Where the thread finds node-postgres: it has no module of its own to resolve from. */
  pgPath: string;
  connection: ClientConfig;
  /** Opens the transaction of a beat. */
  begin: string;
  text: string;
  values: unknown[];
  intervalMs: number;
  /** Between tries while a beat fails. */
  retryMs: number;
  /** The main thread has hung when it was silent for this long; then nothing more is said for it. */
  mainSilenceMs: number;
  /**
   * Nanoseconds of `process.hrtime`: [0] the main thread's last sign of life, [1] when the last stored beat was sent, [2] the longest that Postgres was
   * without a new one since the main thread last looked.
   */
  clock: BigInt64Array;
}

/** What it says: each beat or failure, for the log; nothing that decides. */
export type HeartbeatReport = { beat: true } | { failed: string };

/**
 * The heartbeat thread. Not a module but the text of a function: the thread is started from it, because a file would have to be found again
 * after any compilation and bundling of the application. So it may use nothing from outside, imports included.
 */
export function heartbeatLoop(
  parentPort: MessagePort,
  data: HeartbeatLoopData,
  load: (path: string) => typeof import('pg'),
): void {
  const { Client } = load(data.pgPath);
  let client: InstanceType<typeof Client> | undefined;
  let values = data.values;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;
  let again = false;

  const beat = async (): Promise<void> => {
    const sentAt = process.hrtime.bigint();
    const silent = sentAt - Atomics.load(data.clock, 0);
    if (silent > BigInt(data.mainSilenceMs) * 1_000_000n) return;
    if (!client) {
      const fresh = new Client(data.connection);
      fresh.on('error', () => {
        if (client === fresh) client = undefined;
      });
      try {
        await fresh.connect();
      } catch (error) {
        fresh.end().catch(() => undefined);
        throw error;
      }
      client = fresh;
    }
    await client.query(data.begin);
    await client.query(data.text, values);
    await client.query('COMMIT');
    const gap = process.hrtime.bigint() - Atomics.load(data.clock, 1);
    if (gap > Atomics.load(data.clock, 2)) Atomics.store(data.clock, 2, gap);
    Atomics.store(data.clock, 1, sentAt);
    parentPort.postMessage({ beat: true });
  };

  const run = (): void => {
    beating = beat()
      .then(
        () => data.intervalMs,
        (error: Error) => {
          const broken = client;
          client = undefined;
          broken?.end().catch(() => undefined);
          parentPort.postMessage({ failed: error.message });
          return data.retryMs * (0.5 + Math.random() / 2); // not all workers at once
        },
      )
      .then((delay) => {
        beating = undefined;
        if (!stopping) timer = setTimeout(run, again ? 0 : delay);
        again = false;
      });
  };

  parentPort.on('message', (message: { values?: unknown[]; stop?: true }) => {
    if (message.values) {
      values = message.values;
      clearTimeout(timer);
      if (beating)
        again = true; // it went out with the old ones
      else run();
      return;
    }
    stopping = true;
    clearTimeout(timer);
    void Promise.resolve(beating)
      .then(() => client?.end())
      .catch(() => undefined)
      .then(() => parentPort.close());
  });
  run();
}
