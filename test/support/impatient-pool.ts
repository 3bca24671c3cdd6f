import type { INestApplication } from '@nestjs/common';
import { KYU_OWN_DATA_SOURCE } from '../../libs/kyu/src/kyu.tokens.js';
import { poolOf } from '../../libs/kyu/src/store/pool-of.js';

interface Timers {
  connectionTimeoutMillis: number;
  query_timeout: number;
}

/**
 * Gives the pool of Kyu's own statements shorter timers than its 10 and 25 s. Its connections are
 * closed, and every new one has the new timers.
 */
export async function makeImpatient(
  app: INestApplication,
  timers: Timers,
): Promise<void> {
  const pool = poolOf(app.get(KYU_OWN_DATA_SOURCE));
  Object.assign(pool.options, timers);
  while (pool.idleCount > 0) (await pool.connect()).release(true);
}
