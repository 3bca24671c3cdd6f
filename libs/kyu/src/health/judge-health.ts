import type { WorkerPulse } from '../queue/worker-watch.js';
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
}

/** What the findings amount to. Pure. */
export function judgeHealth(findings: Findings): KyuHealthReport {
  const { queue, store, redis, maxWaitingMs } = findings;
  const worker = workerState(findings);
  const bad: string[] = [];
  const poor: string[] = [];
  if (!store)
    bad.push('PostgreSQL does not answer, or refuses Kyu its tables.');
  else {
    const { missingMigrations, oldestWaitingMs = 0 } = store;
    if (missingMigrations.length > 0)
      bad.push(
        `The tables lack ${missingMigrations.length} migration(s) of this version: ${missingMigrations.join(', ')}.`,
      );
    if (maxWaitingMs !== undefined && oldestWaitingMs > maxWaitingMs)
      bad.push(
        `A job has been due for ${Math.round(oldestWaitingMs)} ms, the limit is ${maxWaitingMs}.`,
      );
    if (store.workersAlive === 0)
      poor.push('No worker of this queue is alive.');
  }
  if (worker === 'stuck')
    bad.push(
      `This worker has claimed nothing for ${OVERDUE_MS} ms although jobs that it can run are due.`,
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
    problems: [...bad, ...poor],
    queue,
    postgres: store ? 'up' : 'down',
    redis,
    worker,
    ...(store && {
      workersAlive: store.workersAlive,
      ...(store.oldestWaitingMs !== undefined && {
        oldestWaitingMs: Math.round(store.oldestWaitingMs),
      }),
      ...(store.schemaVersion !== undefined && {
        schemaVersion: store.schemaVersion,
      }),
    }),
  };
}

function workerState({ store, worker }: Findings): KyuHealthReport['worker'] {
  if (worker.state !== 'started') return worker.state;
  if (worker.fenced) return 'fenced';
  const idle = worker.freeSlots > 0 && worker.sinceClaimMs > OVERDUE_MS;
  return idle && store?.overdue ? 'stuck' : 'working';
}
