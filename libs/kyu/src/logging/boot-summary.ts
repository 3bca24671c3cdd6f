import type { KyuConfig } from '../config/kyu.config.js';
import { describeRedis } from '../ready-queue/redis-connection.js';
import { describeTarget } from '../store/postgres-errors.js';
import { KYU_VERSION } from './version.js';

/**
 * What this process is to its queue, in one line of the log; never a password.
 *
 * @param forgotten names of classes whose handlers no module provides; asked only of a process
 * without handlers, as it looks through all providers.
 */
export function bootSummary(
  { mode, queueName, workers, postgres, redis }: KyuConfig,
  handlers: number,
  forgotten: () => string = () => '',
): string {
  const work =
    mode === 'producer'
      ? 'it runs no jobs'
      : `${workers} slots, ${handlers} handlers${handlers === 0 ? inBrackets(forgotten()) : ''}`;
  const ready =
    redis === false ? 'no Redis' : `Redis at ${describeRedis(redis)}`;
  return (
    `Kyu ${KYU_VERSION} is ready: mode ${mode}, queue ${queueName}, ${work}; ` +
    `PostgreSQL at ${describeTarget(postgres)}, schema ${postgres.tables.schema}; ${ready}.`
  );
}

const inBrackets = (forgotten: string): string =>
  forgotten === '' ? '' : ` (no module provides ${forgotten})`;
