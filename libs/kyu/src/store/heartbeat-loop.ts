import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import pg, { type ClientConfig } from 'pg';

/** What the thread is given. Everything is cloned, except `clock`, which both threads see. */
export interface HeartbeatLoopData {
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
 * The heartbeat thread. `start-heartbeat-loop.ts` starts this file by its address: other files import no more of it than types, or they would start a loop of their
 * own. It imports nothing of Kyu, so that one file is all that the thread needs.
 */
function heartbeatLoop(port: MessagePort, data: HeartbeatLoopData): void {
  let client: pg.Client | undefined;
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
      const fresh = new pg.Client(data.connection);
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
    port.postMessage({ beat: true });
  };

  const run = (): void => {
    beating = beat()
      .then(
        () => data.intervalMs,
        (error: Error) => {
          const broken = client;
          client = undefined;
          broken?.end().catch(() => undefined);
          port.postMessage({ failed: error.message });
          return data.retryMs * (0.5 + Math.random() / 2); // not all workers at once
        },
      )
      .then((delay) => {
        beating = undefined;
        if (!stopping) timer = setTimeout(run, again ? 0 : delay);
        again = false;
      });
  };

  port.on('message', (message: { values?: unknown[]; stop?: true }) => {
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
      .then(() => port.close());
  });
  run();
}

heartbeatLoop(parentPort!, workerData as HeartbeatLoopData);
