import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../libs/kyu/src/store/database.js';
import {
  CLAIM_POPPED,
  CLAIM_WAITING,
  RELEASE_IF_OWNED,
  SETTLE_IF_OWNED,
} from '../../../libs/kyu/src/store/job.sql.js';
import { MaintenanceStore } from '../../../libs/kyu/src/store/maintenance-store.js';
import {
  PROMOTE_DUE,
  PRUNE_FINISHED,
  RESCUE_STALE,
} from '../../../libs/kyu/src/store/maintenance.sql.js';
import { replaceSql } from './replace-sql.js';
import { SELECT_STALE, TAKE_BACK } from './two-step-reaper.sql.js';
import { wrap } from './wrap.js';

/** Between the two steps of the two-step reaper. */
const STEP_MS = 2_500;

/** Mistakes in the statements: a guard that is gone, a column that is not written. */
export const SQL_MUTANTS = {
  'fence-dropped': () => {
    replaceSql(
      SETTLE_IF_OWNED,
      /WHERE job\.status \|\| '' = 'running' AND job\.claim_token = run\.token AND job\.locked_by = (\$\d)/,
      'WHERE $1::text IS NOT NULL',
    );
    // The token may be a condition of the update itself, too.
    replaceSql(
      SETTLE_IF_OWNED,
      /(WHERE job\.id = run\.id) AND job\.claim_token = run\.token/,
      '$1',
      { optional: true },
    );
  },
  'claim-unguarded': () => {
    replaceSql(CLAIM_POPPED, "AND job.status || '' = 'pending'", '');
    // Without this the CHECK constraint of the table would be the guard.
    replaceSql(
      CLAIM_POPPED,
      "SET status = 'running'",
      "SET completed_at = NULL, status = 'running'",
    );
  },
  'claim-early': () => {
    replaceSql(CLAIM_POPPED, 'AND scheduled_at <= now()', '');
    replaceSql(CLAIM_WAITING, 'AND scheduled_at <= now()', '');
    replaceSql(PROMOTE_DUE, 'AND scheduled_at <= now()', '');
  },
  'two-step-reaper': () =>
    wrap(
      MaintenanceStore.prototype,
      'rescueStale',
      async function (
        this: { database: Database },
        _original: unknown,
        queue: string,
        options: {
          heartbeatTimeoutMs: number;
          staleJobTimeoutMs: number;
          maxCrashes: number;
        },
      ) {
        const stale = await this.database.run(SELECT_STALE, [
          queue,
          options.heartbeatTimeoutMs,
          options.staleJobTimeoutMs,
        ]);
        if (stale.length === 0) return [];
        await sleep(STEP_MS);
        await this.database.run(TAKE_BACK, [stale.map(({ id }) => id)]);
        return [];
      },
    ),
  'prune-unfinished': () => {
    replaceSql(
      PRUNE_FINISHED,
      /AND completed_at < now\(\)[\s\S]*?END/,
      "AND created_at < now() - interval '1 millisecond' * least($2::float8, $3::float8, $4::float8)",
    );
    replaceSql(
      PRUNE_FINISHED,
      " AND job.status IN ('completed', 'cancelled', 'dead')",
      '',
    );
  },
  'token-reused': () =>
    replaceSql(
      RELEASE_IF_OWNED,
      'locked_by = NULL,',
      'locked_by = NULL, claim_token = job.claim_token - 1,',
    ),
  'crash-not-counted': () => {
    replaceSql(RESCUE_STALE, /crash_count = \(.*\), (?=started_at)/, '');
  },
  'cancel-ignored': () => {
    replaceSql(
      SETTLE_IF_OWNED,
      "SET status = CASE WHEN job.cancel_requested_at IS NULL THEN run.outcome ELSE 'cancelled' END",
      'SET status = run.outcome',
    );
    replaceSql(
      SETTLE_IF_OWNED,
      "WHEN run.outcome <> 'failed' OR job.cancel_requested_at IS NOT NULL THEN",
      "WHEN run.outcome <> 'failed' THEN",
    );
  },
};
