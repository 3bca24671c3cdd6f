import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import {
  heartbeatLoop,
  type HeartbeatLoopData,
  type HeartbeatReport,
} from './heartbeat-loop.js';

/** A beat that gets no answer is given up after this, and its connection with it. */
const BEAT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

const CODE = `const { parentPort, workerData } = require('node:worker_threads');
(${heartbeatLoop.toString()})(parentPort, workerData, require);`;

/**
 * Is responsible for beating from a thread with a connection of its own, so that a blocked event loop or a full pool does not cost a healthy process
 * its jobs. A process whose main thread gives no sign of life for too long is not healthy, and the beat ends.
 */
export class HeartbeatThread {
  private readonly clock = new BigInt64Array(new SharedArrayBuffer(16));
  private readonly thread: Worker;
  private ended = false;

  /** @param onFailure called with each failed beat, and when the thread itself is lost. */
  constructor(
    connection: ClientConfig,
    options: Pick<
      HeartbeatLoopData,
      'text' | 'values' | 'intervalMs' | 'mainSilenceMs'
    >,
    onFailure: (message: string) => void,
  ) {
    this.stillAlive();
    Atomics.store(this.clock, 1, process.hrtime.bigint());
    const workerData: HeartbeatLoopData = {
      ...options,
      connection,
      pgPath: createRequire(import.meta.url).resolve('pg'),
      retryMs: Math.min(RETRY_MS, options.intervalMs),
      clock: this.clock,
    };
    this.thread = new Worker(CODE, { eval: true, workerData, execArgv: [] });
    this.thread.unref(); // it lives with the process, not the other way round
    this.thread.on('message', (report: HeartbeatReport) => {
      if ('failed' in report) onFailure(report.failed);
    });
    this.thread.on('error', (error) => onFailure(String(error)));
    this.thread.on('exit', () => {
      this.ended = true;
    });
  }

  /** The thread has ended, wanted or not. */
  get lost(): boolean {
    return this.ended;
  }

  /** The main thread's sign of life. */
  stillAlive(): void {
    Atomics.store(this.clock, 0, process.hrtime.bigint());
  }

  /** Milliseconds since the last beat that Postgres stored was *sent*: its row is at least as young. */
  get silenceMs(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.clock, 1)) / 1e6;
  }

  /** Beats at once with new values. */
  update(values: unknown[]): void {
    this.thread.postMessage({ values });
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const exit = new Promise((resolve) => this.thread.once('exit', resolve));
    this.thread.postMessage({ stop: true });
    // A beat under way may hang; the process must not hang with it.
    const timer = setTimeout(() => void this.thread.terminate(), 500);
    await exit;
    clearTimeout(timer);
  }
}

/** The data source's own way to the server, in the words of node-postgres; undefined when it cannot be handed to a thread. */
export function connectionOf(dataSource: DataSource): ClientConfig | undefined {
  const options = dataSource.options as PostgresDataSourceOptions;
  const { url, host, port, username, password, database, ssl } = options;
  if (typeof password === 'function') return undefined;
  return {
    ...(url && { connectionString: url }),
    ...(host && { host }),
    ...(port && { port }),
    ...(username && { user: username }),
    ...(password && { password }),
    ...(database && { database }),
    ...(ssl !== undefined && { ssl: ssl as boolean }),
    application_name: 'kyu heartbeat',
    keepAlive: true,
    connectionTimeoutMillis: BEAT_TIMEOUT_MS,
    query_timeout: BEAT_TIMEOUT_MS,
    statement_timeout: BEAT_TIMEOUT_MS,
  };
}
