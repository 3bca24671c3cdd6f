import type { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { ProcessBusyError } from '../errors/postgres.errors.js';
import type { Sending } from './postgres-errors.js';

/**
 * A timer that fires this much late was held up by its own process. While something blocks the event loop no answer is read, and when it is free again Node runs
 * timers before it reads: the timer gives up on an answer that has long been there.
 */
const LATE_MS = 250;

/**
 * The timers of node-postgres that can fire. It has no codes for them, only these words. Those of a
 * connect begin when the pool is asked, also for a caller that waits for a client to come free. That
 * of an answer begins when the client gets the statement.
 */
const POOL_TIMER = /timeout exceeded when trying to connect/;
const CONNECT_TIMER = /due to connection timeout|timeout expired/;
const READ_TIMER = /Query read timeout/;

/** Whether no connection of a pool came free in time, which says nothing about PostgreSQL. */
export const isPoolTimeout = (error: unknown): boolean =>
  POOL_TIMER.test(messageOf(error));

export interface PostgresTimers {
  connectionTimeoutMillis?: number;
  query_timeout?: number;
}

/**
 * What the error is if it came from a late timer, else undefined. Whether PostgreSQL can be reached, nobody knows then.
 *
 * @param timerSince by `performance.now()`, when the timer began that may have fired
 */
export function heldUp(
  error: unknown,
  timerSince: number,
  { connectionTimeoutMillis, query_timeout }: PostgresTimers,
  sending: Sending,
): ProcessBusyError | undefined {
  if (error instanceof ProcessBusyError) return error;
  const message = messageOf(error);
  const connecting = isPoolTimeout(error) || CONNECT_TIMER.test(message);
  const timerMs = connecting
    ? connectionTimeoutMillis
    : READ_TIMER.test(message)
      ? query_timeout
      : undefined;
  const tookMs = Math.round(performance.now() - timerSince);
  if (!timerMs || tookMs < timerMs + LATE_MS) return undefined;
  // Nothing is sent without a connection, nor before the session and its transaction are set up.
  const isNotSent = connecting || sending === 'not sent';
  return new ProcessBusyError(
    `This process was too busy to hear from PostgreSQL: its timer of ${timerMs} ms for ${connecting ? 'a connection' : 'an answer'} fired after ${tookMs} ms, so something blocked its event loop. ` +
      'Let what computes for long run in a thread or a process of its own. ' +
      (isNotSent
        ? 'Nothing was stored; try again.'
        : 'Whether the statement took effect is unknown; look before you repeat it.'),
    isNotSent ? 'not done' : 'unknown',
  );
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : '';
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
  const { connectTimeoutMS, replication } =
    dataSource.options as PostgresDataSourceOptions;
  const startedAt = performance.now();
  try {
    await dataSource.initialize();
  } catch (error) {
    // Replicas connect before the primary, so nothing tells when its timer began.
    const timers = replication
      ? {}
      : { connectionTimeoutMillis: connectTimeoutMS };
    throw heldUp(error, startedAt, timers, 'not sent') ?? error;
  }
}
