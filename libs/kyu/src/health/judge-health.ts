import type { WorkerPulse } from '../queue/worker-watch.js';
import { showValue } from '../runtime/show-value.js';
import type { DueJob } from '../store/health.sql.js';
import type { QueueHealth } from '../store/health-reader.js';
import type { KyuHealthReport } from './health-report.js';

/** While due work exists, a worker that lives claims within this time, or something is wrong with it. */
export const OVERDUE_MS = 5_000;

export interface Findings {
  queue: string;
  /** Undefined: Postgres did not answer. */
  store: QueueHealth | undefined;
  redis: KyuHealthReport['redis'];
  /** {@link ReadyQueue.warnings}. */
  redisWarnings?: readonly string[];
  worker: WorkerPulse;
  maxWaitingMs: number | undefined;
  /** Of a worker that is stuck: the due job can be claimed, no other session holds its row. */
  claimable?: boolean;
}

/**
 * What the findings amount to. Pure. `bad` is what this process cannot do now. `poor` is for people to look at: no probe may fail for it, because every process
 * of the queue finds the same, and all of them would be replaced.
 */
export function judgeHealth(findings: Findings): KyuHealthReport {
  const { queue, store, redis, maxWaitingMs } = findings;
  const worker = workerState(findings);
  const bad: string[] = [];
  const poor: string[] = [];
  if (!store)
    bad.push('PostgreSQL does not answer, or refuses Kyu its tables.');
  else {
    const { missingMigrations, oldest, unhandled } = store;
    if (missingMigrations.length > 0)
      bad.push(
        `The tables lack ${missingMigrations.length} migration(s) of this version: ${missingMigrations.join(', ')}.`,
      );
    if (maxWaitingMs !== undefined && oldest && oldest.dueMs > maxWaitingMs)
      poor.push(
        `A job waits too long: ${inWords(oldest)}, and the limit is ${maxWaitingMs} ms.`,
      );
    if (store.workersAlive === 0)
      poor.push('No worker of this queue is alive.');
    else if (unhandled)
      poor.push(
        `No live worker has a handler for a job: ${inWords(unhandled)}. Is the type misspelt?`,
      );
  }
  if (worker === 'stuck')
    bad.push(
      `This worker has claimed nothing for ${OVERDUE_MS} ms although jobs that it can run are due: ${inWords(store!.overdue!)}.`,
    );
  if (worker === 'fenced')
    bad.push(
      'The heartbeat of this worker does not reach PostgreSQL; it claims nothing.',
    );
  if (worker === 'stopped') poor.push('This worker is stopping.');
  if (redis === 'down')
    poor.push('Redis cannot be used; jobs are claimed from PostgreSQL.');
  poor.push(...(findings.redisWarnings ?? []));
  return {
    status: bad.length > 0 ? 'down' : poor.length > 0 ? 'degraded' : 'up',
    live: !(worker === 'stuck' && findings.claimable),
    ready: bad.length === 0,
    problems: bad,
    warnings: poor,
    queue,
    postgres: store ? 'up' : 'down',
    redis,
    worker,
    ...(store && {
      workersAlive: store.workersAlive,
      ...(store.oldest && {
        oldestWaitingMs: Math.round(store.oldest.dueMs),
      }),
      ...(store.schemaVersion !== undefined && {
        schemaVersion: store.schemaVersion,
      }),
    }),
  };
}

const inWords = ({ id, jobType, dueMs }: DueJob): string =>
  `${id} of type ${showValue(jobType)} has been due for ${Math.round(dueMs)} ms`;

/** The state of this process as a worker. */
export function workerState({
  store,
  worker,
}: Pick<Findings, 'store' | 'worker'>): KyuHealthReport['worker'] {
  if (worker.state !== 'started') return worker.state;
  if (worker.fenced) return 'fenced';
  const idle = worker.freeSlots > 0 && worker.sinceClaimMs > OVERDUE_MS;
  return idle && store?.overdue ? 'stuck' : 'working';
}
