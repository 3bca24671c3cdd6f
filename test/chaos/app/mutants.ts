import { setTimeout as sleep } from 'node:timers/promises';
import { Scheduler } from '../../../libs/kyu/src/maintenance/scheduler.js';
import type { NewJob } from '../../../libs/kyu/src/job/new-job.js';
import { QueueService } from '../../../libs/kyu/src/queue/queue.service.js';
import type {
  Popped,
  ReadyQueue,
} from '../../../libs/kyu/src/ready-queue/ready-queue.js';
import { RedisReadyQueue } from '../../../libs/kyu/src/ready-queue/redis.ready-queue.js';
import { CircuitBreaker } from '../../../libs/kyu/src/runtime/circuit-breaker.js';
import type { Database } from '../../../libs/kyu/src/store/database.js';
import {
  CLAIM_POPPED,
  CLAIM_WAITING,
  RELEASE_IF_OWNED,
  SETTLE_IF_OWNED,
} from '../../../libs/kyu/src/store/job.sql.js';
import type {
  EnqueuedJob,
  JobStore,
} from '../../../libs/kyu/src/store/job-store.js';
import { MaintenanceStore } from '../../../libs/kyu/src/store/maintenance-store.js';
import {
  PROMOTE_DUE,
  PRUNE_FINISHED,
  RESCUE_STALE,
} from '../../../libs/kyu/src/store/maintenance.sql.js';
import { PooledHeartbeat } from '../../../libs/kyu/src/store/pooled-heartbeat.js';
import { WorkerStore } from '../../../libs/kyu/src/store/worker-store.js';
import { Claimer } from '../../../libs/kyu/src/worker/claimer.js';
import { Heartbeat } from '../../../libs/kyu/src/worker/heartbeat.js';
import { JobExecutor } from '../../../libs/kyu/src/worker/job-executor.js';
import { WorkerService } from '../../../libs/kyu/src/worker/worker.service.js';
import { SELECT_STALE, TAKE_BACK, replaceSql } from './mutant.sql.js';
import type { MutantName } from './mutant-names.js';
import { readSettings } from './settings.js';
import { wrap } from './wrap.js';

/** Between the two steps of the two-step reaper. */
const STEP_MS = 2_500;

type Insert = (jobs: readonly NewJob[]) => Promise<EnqueuedJob[]>;

/** What `insert()` of the queue service uses. */
interface Inserter {
  config: { queueName: string };
  store: JobStore;
  readyQueue: ReadyQueue;
  announce(stored: readonly EnqueuedJob[]): void;
}

/**
 * Kyu with one promise broken each, as a mistake might break it. The checkers are worth something only if they catch every one of them.
 */
const MUTANTS: Readonly<Record<MutantName, () => void>> = {
  'fence-dropped': () => {
    replaceSql(
      SETTLE_IF_OWNED,
      /WHERE job\.status = 'running' AND job\.claim_token = run\.token AND job\.locked_by = (\$\d)/,
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
    replaceSql(CLAIM_POPPED, "AND status = 'pending'", '');
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
  'no-refill': () => {
    wrap(Scheduler.prototype, 'refill', async () => 0);
    wrap(
      Claimer.prototype,
      'claimWaiting',
      async function (
        this: { readyQueue: { usable?: boolean } },
        original: (limit: number) => Promise<unknown[]>,
        limit: number,
      ) {
        return this.readyQueue.usable ? [] : original(limit);
      },
    );
  },
  'stage-before-commit': () =>
    wrap(
      QueueService.prototype,
      'insert',
      async function (
        this: Inserter,
        original: Insert,
        jobs: readonly NewJob[],
      ) {
        await this.readyQueue.stage(jobs).catch(() => undefined);
        return original(jobs);
      },
    ),
  'ack-before-commit': () =>
    wrap(
      QueueService.prototype,
      'insert',
      async function (
        this: Inserter,
        _original: Insert,
        jobs: readonly NewJob[],
      ) {
        void this.store
          .enqueue(this.config.queueName, jobs)
          .then((stored) => this.announce(stored))
          .catch(() => undefined);
        return jobs.map(({ id, jobType, priority }) => ({
          id,
          jobType,
          priority,
          status: 'pending' as const,
          dueInMs: 0,
        }));
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
  'no-self-fence': () =>
    wrap(Heartbeat.prototype, 'checkLease', () => undefined),
  'heartbeat-on-main-thread': () =>
    wrap(
      WorkerStore.prototype,
      'keepBeating',
      function (
        this: WorkerStore,
        _original: unknown,
        record: Parameters<WorkerStore['heartbeat']>[0],
        timing: { intervalMs: number; silenceMs: number },
        onFailure: (message: string) => void,
      ) {
        const { worker, queue, slots, jobTypes } = record;
        return new PooledHeartbeat(
          () => this.heartbeat(record),
          [worker.id, queue, worker.host, worker.pid, slots, [...jobTypes]],
          timing.silenceMs,
          timing.intervalMs,
          onFailure,
        );
      },
    ),
  'crash-not-counted': () => {
    replaceSql(RESCUE_STALE, /crash_count = \(.*\), (?=started_at)/, '');
  },
  'handler-skipped': () =>
    wrap(JobExecutor.prototype, 'callHandler', async () => ({
      status: 'completed',
      resultJson: null,
    })),
  'handler-twice': () =>
    wrap(
      JobExecutor.prototype,
      'callHandler',
      async (original: (run: unknown) => Promise<unknown>, run: unknown) => {
        await original(run);
        return original(run);
      },
    ),
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
  'payload-changed': () =>
    wrap(
      QueueService.prototype,
      'insert',
      (original: Insert, jobs: readonly NewJob[]) =>
        original(
          jobs.map((job) => ({
            ...job,
            payloadJson: job.payloadJson.replace('"key":"', '"key":"not '),
          })),
        ),
    ),
  'refuses-what-it-stored': () =>
    wrap(
      QueueService.prototype,
      'insert',
      async (original: Insert, jobs: readonly NewJob[]) => {
        const stored = await original(jobs);
        if (Number(process.hrtime.bigint() % 10n) === 0)
          throw new Error('Too bad. Nothing was stored.');
        return stored;
      },
    ),
  'pop-without-removing': () =>
    wrap(
      RedisReadyQueue.prototype,
      'pop',
      async function (
        this: ReadyQueue,
        original: (...args: unknown[]) => Promise<Popped>,
        ...args: unknown[]
      ) {
        const popped = await original(...args);
        if (typeof popped !== 'symbol') await this.putBack(popped);
        return popped;
      },
    ),
  'never-back-to-redis': () => {
    wrap(CircuitBreaker.prototype, 'succeeded', () => undefined);
    Object.defineProperty(CircuitBreaker.prototype, 'isOpen', {
      get(this: { failures: number }) {
        return this.failures > 0;
      },
    });
  },
  'never-stops': () =>
    wrap(WorkerService.prototype, 'stop', (original: () => Promise<void>) =>
      readSettings().role === 'worker'
        ? new Promise<void>(() => undefined)
        : original(),
    ),
};

export function applyMutants(names: readonly string[]): void {
  for (const name of names) {
    const apply = (MUTANTS as Record<string, (() => void) | undefined>)[name];
    if (!apply) throw new Error(`There is no mutant "${name}".`);
    apply();
  }
}
