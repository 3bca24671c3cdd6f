import type { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { ProcessBusyError } from '../errors/postgres.errors.js';

/**
 * A timer that fires this much late was held up by its own process. While something blocks the event loop no answer is read, and when it is free again Node runs
 * timers before it reads: the timer gives up on an answer that has long been there.
 */
const LATE_MS = 250;

/** The timers of node-postgres that can fire. It has no codes for them, only these words. */
const CONNECT_TIMER =
  /timeout exceeded when trying to connect|due to connection timeout|timeout expired/;
const READ_TIMER = /Query read timeout/;

export interface PostgresTimers {
  connectionTimeoutMillis?: number;
  query_timeout?: number;
}

/**
 * What the error is if it came from a late timer, else undefined. Whether PostgreSQL can be reached, nobody knows then.
 *
 * @param startedAt by `performance.now()`, when the call began that failed
 */
export function heldUp(
  error: unknown,
  startedAt: number,
  { connectionTimeoutMillis, query_timeout }: PostgresTimers,
): ProcessBusyError | undefined {
  const { message } = (error ?? {}) as { message?: unknown };
  if (typeof message !== 'string') return undefined;
  const connecting = CONNECT_TIMER.test(message);
  const timerMs = connecting
    ? connectionTimeoutMillis
    : READ_TIMER.test(message)
      ? query_timeout
      : undefined;
  const tookMs = Math.round(performance.now() - startedAt);
  if (!timerMs || tookMs < timerMs + LATE_MS) return undefined;
  return new ProcessBusyError(
    `This process was too busy to hear from PostgreSQL: its timer of ${timerMs} ms for ${connecting ? 'a connection' : 'an answer'} fired after ${tookMs} ms, so something blocked its event loop. ` +
      'Let what computes for long run in a thread or a process of its own. ' +
      (connecting
        ? 'Nothing was stored; try again.'
        : 'Whether the statement took effect is unknown; look before you repeat it.'),
    connecting ? 'not done' : 'unknown',
  );
}

/** Connects, and once more if this process was too busy for the first try: a boot often is. */
export async function initialize(dataSource: DataSource): Promise<void> {
  try {
    await connect(dataSource);
  } catch (error) {
    if (!(error instanceof ProcessBusyError)) throw error;
    await connect(dataSource);
  }
}

async function connect(dataSource: DataSource): Promise<void> {
  const { connectTimeoutMS } = dataSource.options as PostgresDataSourceOptions;
  const startedAt = performance.now();
  try {
    await dataSource.initialize();
  } catch (error) {
    const timers = { connectionTimeoutMillis: connectTimeoutMS };
    throw heldUp(error, startedAt, timers) ?? error;
  }
}
