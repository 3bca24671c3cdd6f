import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../libs/kyu/src/store/database.js';
import {
  CLAIM_POPPED,
  CLAIM_POPPED_UNHELD,
  CLAIM_WAITING,
  RELEASE_IF_OWNED,
} from '../../../libs/kyu/src/store/job.sql.js';
import { MaintenanceStore } from '../../../libs/kyu/src/store/maintenance-store.js';
import {
  PROMOTE_DUE,
  PRUNE_FINISHED,
  RESCUE_STALE,
} from '../../../libs/kyu/src/store/maintenance.sql.js';
import {
  SETTLE_IF_OWNED,
  SETTLE_UNHELD,
} from '../../../libs/kyu/src/store/settle.sql.js';
import { replaceSql } from './replace-sql.js';
import { SELECT_STALE, TAKE_BACK } from './two-step-reaper.sql.js';
import { wrap } from './wrap.js';

/** Between the two steps of the two-step reaper. */
const STEP_MS = 2_500;

/** Mistakes in the statements: a guard that is gone, a column that is not written. */
export const SQL_MUTANTS = {
  'fence-dropped': () => {
    for (const settle of [SETTLE_IF_OWNED, SETTLE_UNHELD]) {
      replaceSql(
        settle,
        /job\.status \|\| '' = 'running' AND job\.claim_token = run\.token AND job\.locked_by = (\$\d)/,
        '$1::text IS NOT NULL',
      );
      replaceSql(settle, ' AND job.claim_token = run.token', '', {
        optional: true,
      });
      // Of a row that nobody runs the history would be null, and so the guard.
      replaceSql(settle, /to_json\(job\.locked_by\)/g, `to_json($8::text)`);
      replaceSql(settle, /THEN job\.locked_by END/g, 'THEN $8::text END');
      replaceSql(settle, /job\.locked_at(?= *(\)|END))/g, 'now()');
    }
  },
  'claim-unguarded': () => {
    for (const claim of [CLAIM_POPPED, CLAIM_POPPED_UNHELD]) {
      replaceSql(claim, "AND job.status || '' = 'pending'", '');
      // Without this the CHECK constraint of the table would be the guard.
      replaceSql(
        claim,
        "SET status = 'running'",
        "SET completed_at = NULL, status = 'running'",
      );
    }
  },
  'claim-early': () => {
    for (const statement of [
      CLAIM_POPPED,
      CLAIM_POPPED_UNHELD,
      CLAIM_WAITING,
      PROMOTE_DUE,
    ])
      replaceSql(statement, 'AND scheduled_at <= now()', '');
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
    for (const settle of [SETTLE_IF_OWNED, SETTLE_UNHELD]) {
      replaceSql(
        settle,
        "SET status = CASE WHEN job.cancel_requested_at IS NULL THEN run.outcome ELSE 'cancelled' END",
        'SET status = run.outcome',
      );
      replaceSql(
        settle,
        "WHEN run.outcome <> 'failed' OR job.cancel_requested_at IS NOT NULL THEN",
        "WHEN run.outcome <> 'failed' THEN",
      );
    }
  },
};
