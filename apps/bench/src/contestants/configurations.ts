import type { ContestantName } from './names.js';

/** For the report: what runs, how it is set, and where its own documentation says that this is how to do it. */
export interface Configuration {
  /** Packages of apps/bench whose versions matter. */
  packages: readonly string[];
  text: string;
  link?: string;
}

export const CONFIGURATIONS: Record<ContestantName, Configuration> = {
  kyu: {
    packages: ['@kyu/nestjs'],
    text: 'KyuModule.forRoot() with the two URLs, workers: 50, metricsPort: 0, and a method with @JobHandler; mode: producer or worker, or its default where one process does both; everything else is the default. Finished jobs stay in the table, with their history.',
  },
  bullmq: {
    packages: ['bullmq', 'ioredis'],
    text: 'Redis backend, concurrency: 50, removeOnComplete and removeOnFail: true; Queue and Worker have connections of their own. What it acknowledges is as durable as this Redis is set to be.',
    link: 'https://docs.bullmq.io/guide/workers/concurrency',
  },
  'bullmq-postgres': {
    packages: ['bullmq', 'pg'],
    text: 'PostgreSQL backend, concurrency: 50, a pool of as many connections (another of 25 to enqueue), removeOnComplete and removeOnFail: true.',
    link: 'https://docs.bullmq.io/guide/postgresql',
  },
  'graphile-worker': {
    packages: ['graphile-worker', 'pg'],
    text: 'concurrentJobs: 50, maxPoolSize: 51, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, no log; makeWorkerUtils() with a pool of 25 to enqueue, addJobs() in bulk; pollInterval: 500 where latency is measured; no localQueue where priority is.',
    link: 'https://worker.graphile.org/docs/performance',
  },
  'pg-boss': {
    packages: ['pg-boss', 'pg'],
    text: 'batchSize: 500, localConcurrency: 2, burstWhenBatchFull, 25 jobs of each batch at once, a pool of 25, one instance for all that a process does; insert() in bulk; LISTEN/NOTIFY except where throughput is measured, and polls of 0.5 s where latency is; batchSize: 25 where priority is.',
    link: 'https://pgboss.io/api/workers',
  },
  floor: {
    packages: ['pg'],
    text: 'No job queue: INSERT, UPDATE to claim and UPDATE to settle on Kyu’s table, by primary key, 500 rows each (1 000 in bulk), two loops.',
  },
};
