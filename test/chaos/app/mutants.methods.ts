import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import type { NewJob } from '../../../libs/kyu/src/job/new-job.js';
import { Scheduler } from '../../../libs/kyu/src/maintenance/scheduler.js';
import { JobInserter } from '../../../libs/kyu/src/queue/job-inserter.js';
import type {
  Popped,
  ReadyQueue,
} from '../../../libs/kyu/src/ready-queue/ready-queue.js';
import { RedisReadyQueue } from '../../../libs/kyu/src/ready-queue/redis.ready-queue.js';
import { CircuitBreaker } from '../../../libs/kyu/src/runtime/circuit-breaker.js';
import {
  JobStore,
  type ClaimedJob,
} from '../../../libs/kyu/src/store/job-store.js';
import type { EnqueuedJob } from '../../../libs/kyu/src/store/enqueued-job.js';
import { JobTransaction } from '../../../libs/kyu/src/store/job-transaction.js';
import { PooledHeartbeat } from '../../../libs/kyu/src/store/pooled-heartbeat.js';
import { WorkerStore } from '../../../libs/kyu/src/store/worker-store.js';
import { Claimer } from '../../../libs/kyu/src/worker/claimer.js';
import { Heartbeat } from '../../../libs/kyu/src/worker/heartbeat.js';
import { JobExecutor } from '../../../libs/kyu/src/worker/job-executor.js';
import { WorkerService } from '../../../libs/kyu/src/worker/worker.service.js';
import { TransactionalRunner } from '../../../libs/kyu/src/worker/transactional-runner.js';
import { readSettings } from './settings.js';
import { wrap } from './wrap.js';

/** `stored`: an insert that is under way already, of a job that its process claims. */
type Insert = (
  jobs: readonly NewJob[],
  stored?: Promise<EnqueuedJob[]>,
) => Promise<EnqueuedJob[]>;

/** Between what should be one commit. */
const GAP_MS = 200;

/** What `insert()` uses. */
interface Inserter {
  config: { queueName: string };
  store: JobStore;
  announcer: {
    readyQueue: ReadyQueue;
    acknowledge(stored: readonly EnqueuedJob[]): void;
  };
}

/** Mistakes in the code around the statements: an order that is wrong, a step that is missing. */
export const METHOD_MUTANTS = {
  'no-refill': () => {
    wrap(Scheduler.prototype, 'refill', async () => 0);
    wrap(
      Claimer.prototype,
      'claimWaiting',
      async function (
        this: { readyQueue: { commands?: { usable: boolean } } },
        original: (limit: number) => Promise<unknown[]>,
        limit: number,
      ) {
        return this.readyQueue.commands?.usable ? [] : original(limit);
      },
    );
  },
  'stage-before-commit': () =>
    wrap(
      JobInserter.prototype,
      'insert',
      async function (
        this: Inserter,
        original: Insert,
        jobs: readonly NewJob[],
        stored?: Promise<EnqueuedJob[]>,
      ) {
        await this.announcer.readyQueue.stage(jobs).catch(() => undefined);
        return original(jobs, stored);
      },
    ),
  'ack-before-commit': () =>
    wrap(
      JobInserter.prototype,
      'insert',
      async function (
        this: Inserter,
        _original: Insert,
        jobs: readonly NewJob[],
        stored = this.store.enqueue(this.config.queueName, jobs),
      ) {
        void stored
          .then((rows) => this.announcer.acknowledge(rows))
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
  'own-job-before-commit': () =>
    wrap(
      JobStore.prototype,
      'enqueueClaimed',
      async (
        original: JobStore['enqueueClaimed'],
        queue: string,
        worker: string,
        job: NewJob,
      ): Promise<ClaimedJob> => {
        void sleep(GAP_MS)
          .then(() => original(queue, worker, job))
          .catch(() => undefined);
        return {
          ...job,
          contextJson: job.contextJson ?? null,
          createdAt: new Date(),
          scheduledAt: new Date(),
          claimedAt: performance.now(),
          retryCount: 0,
          crashCount: 0,
          token: 1,
          waitedMs: 0,
        };
      },
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
  'payload-changed': () =>
    wrap(
      JobInserter.prototype,
      'insert',
      (
        original: Insert,
        jobs: readonly NewJob[],
        stored?: Promise<EnqueuedJob[]>,
      ) =>
        original(
          jobs.map((job) => ({
            ...job,
            payloadJson: job.payloadJson.replace('"key":"', '"key":"not '),
          })),
          stored,
        ),
    ),
  'refuses-what-it-stored': () =>
    wrap(
      JobInserter.prototype,
      'insert',
      async (
        original: Insert,
        jobs: readonly NewJob[],
        stored?: Promise<EnqueuedJob[]>,
      ) => {
        const rows = await original(jobs, stored);
        if (Number(process.hrtime.bigint() % 10n) === 0)
          throw new Error('Too bad. Nothing was stored.');
        return rows;
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
  'effects-before-settle': () =>
    wrap(
      TransactionalRunner.prototype,
      'end',
      async (
        original: (...args: unknown[]) => Promise<unknown>,
        run: unknown,
        transaction: unknown,
        outcome: unknown,
      ) => {
        if ((outcome as { status: string }).status !== 'completed')
          return original(run, transaction, outcome);
        await commit(transaction as { runner: QueryRunner });
        await sleep(GAP_MS);
        return outcome; // settled as that of any other run
      },
    ),
  'failure-commits': () =>
    wrap(
      JobTransaction.prototype,
      'rollback',
      function (this: { runner: QueryRunner }) {
        return commit(this);
      },
    ),
};

/** Ends a handler's transaction, and nothing else. */
async function commit({ runner }: { runner: QueryRunner }): Promise<void> {
  await runner.commitTransaction();
  await runner.release();
}
