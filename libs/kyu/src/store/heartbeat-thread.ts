import type { Worker } from 'node:worker_threads';
import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { HeartbeatLoopData, HeartbeatReport } from './heartbeat-loop.js';
import { poolOf } from './pool-of.js';
import { setUpTransaction } from './session-settings.sql.js';
import { startHeartbeatLoop } from './start-heartbeat-loop.js';

/** A beat that gets no answer is given up after this, and its connection with it. */
const BEAT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

/**
 * Every beat is a transaction with settings of its own. So it works on any session: that of a role
 * with other defaults, and that of a pooler, which refuses settings as parameters of a connection.
 */
const BEGIN = `BEGIN; ${setUpTransaction({
  statement_timeout: BEAT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: BEAT_TIMEOUT_MS,
})}`;

/**
 * Is responsible for beating from a thread with a connection of its own, so that a blocked event loop or a full pool does not cost a healthy process
 * its jobs. A process whose main thread gives no sign of life for too long is not healthy, and the beat ends.
 */
export class HeartbeatThread {
  private readonly clock = new BigInt64Array(new SharedArrayBuffer(24));
  private readonly thread: Worker;
  private ended = false;
  private stopping = false;

  /**
   * @param silenceMs since the last beat that Postgres stored was sent.
   * @param onFailure called with each failed beat.
   * @param onLost called once, with the reason, when the thread has ended without a `stop()`: nothing beats any more.
   * @throws when no thread can be started.
   */
  constructor(
    connection: ClientConfig,
    silenceMs: number,
    options: Pick<
      HeartbeatLoopData,
      'text' | 'values' | 'intervalMs' | 'mainSilenceMs'
    >,
    onFailure: (message: string) => void,
    onLost: (reason: string) => void,
  ) {
    this.stillAlive();
    const sentAt = process.hrtime.bigint() - BigInt(Math.ceil(silenceMs * 1e6));
    Atomics.store(this.clock, 1, sentAt);
    const workerData: HeartbeatLoopData = {
      ...options,
      begin: BEGIN,
      connection,
      retryMs: Math.min(RETRY_MS, options.intervalMs),
      clock: this.clock,
    };
    this.thread = startHeartbeatLoop({ workerData, execArgv: [] });
    this.thread.unref(); // it lives with the process, not the other way round
    this.thread.on('message', (report: HeartbeatReport) => {
      if ('failed' in report) onFailure(report.failed);
    });
    let reason = 'it has ended';
    this.thread.on('error', (error) => {
      reason = error.message;
    });
    this.thread.on('exit', () => {
      this.ended = true;
      if (!this.stopping) onLost(reason);
    });
  }

  /** The main thread's sign of life. */
  stillAlive(): void {
    Atomics.store(this.clock, 0, process.hrtime.bigint());
  }

  /** Milliseconds since the last beat that Postgres stored was *sent*: its row is at least as young. */
  get silenceMs(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.clock, 1)) / 1e6;
  }

  /** The longest silence since the last call: a main thread that was blocked must learn of one that is over, too. */
  takeLongestSilenceMs(): number {
    const past = Number(Atomics.exchange(this.clock, 2, 0n)) / 1e6;
    return Math.max(past, this.silenceMs);
  }

  /** Beats at once with new values. */
  update(values: unknown[]): void {
    this.thread.postMessage({ values });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.ended) return;
    const exit = new Promise((resolve) => this.thread.once('exit', resolve));
    this.thread.postMessage({ stop: true });
    // A beat under way may hang; the process must not hang with it.
    const timer = setTimeout(() => void this.thread.terminate(), 500);
    await exit;
    clearTimeout(timer);
  }
}

/**
 * The data source's own way to the server, as its pool has it (TypeORM's `replication` and `extra` included).
 *
 * @throws when it cannot be handed to a thread, because it holds a function.
 */
export function connectionOf(dataSource: DataSource): ClientConfig {
  const { options } = poolOf(dataSource) as { options: ClientConfig };
  const { host, port, user, database, connectionString, ssl } = options;
  const connection: ClientConfig = {
    host,
    port,
    user,
    database,
    connectionString,
    password: options.password, // not enumerable in a pool, and neither is the key of `ssl`
    ssl: ssl && typeof ssl === 'object' ? { ...ssl, key: ssl.key } : ssl,
    application_name: 'kyu heartbeat',
    keepAlive: true,
    connectionTimeoutMillis: BEAT_TIMEOUT_MS,
    query_timeout: BEAT_TIMEOUT_MS,
  };
  try {
    return structuredClone(connection);
  } catch {
    throw new Error(
      'the settings of its connection hold a function, which no thread can be given',
    );
  }
}
