import type { FaultName } from './faults.js';

/** A statement about a contestant, and the page of its documentation that makes it. */
export interface Sourced {
  text: string;
  source: string;
}

export interface Contestant {
  name: string;
  title: string;
  /** The file in peers/, and the package in node_modules whose version counts. */
  peer: string;
  package: string;
  postgres: boolean;
  redis: 'disposable' | 'durable' | undefined;
  /** A second row for a peer: with what its documentation recommends beyond its defaults. */
  tuned: boolean;
  /** Faults that it can suffer. */
  faults: FaultName[];
  /** What its documentation says of jobs whose worker has died. */
  rescue: Sourced;
  /** What was chosen, and who says so. */
  choices: Sourced[];
}

const BULLMQ = 'https://docs.bullmq.io';
const PGBOSS = 'https://pgboss.io';
const GRAPHILE = 'https://worker.graphile.org/docs';
const EVERYTHING: FaultName[] = ['none', 'kill', 'flush', 'crash'];
const WITHOUT_REDIS: FaultName[] = ['none', 'kill', 'crash'];

const PG_BOSS_CHOICES: Sourced[] = [
  {
    text: 'a listener for `error`; `stop({ graceful: true })` on SIGTERM',
    source: `${PGBOSS}/api/ops`,
  },
  {
    text: 'two retries (its default): one crash does not bury a job',
    source: `${PGBOSS}/api/queues`,
  },
  {
    text: '`localConcurrency` 5, polling every 0.5 s, the shortest that it allows (default 2 s)',
    source: `${PGBOSS}/api/workers`,
  },
];

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'kyu',
    title: 'Kyu',
    peer: 'kyu',
    package: '@kyu/nestjs',
    postgres: true,
    redis: 'disposable',
    tuned: false,
    faults: EVERYTHING,
    rescue: {
      text: 'after about 30 s (`heartbeatTimeout`)',
      source: '../../../README.md#configuration',
    },
    choices: [
      {
        text: 'all options at their defaults, but for `workers: 5` and no metrics port, as several processes share the machine',
        source: '../../../README.md#configuration',
      },
      {
        text: 'Redis without persistence: nothing in it is needed',
        source: '../../../README.md',
      },
    ],
  },
  {
    name: 'bullmq',
    title: 'BullMQ',
    peer: 'bullmq',
    package: 'bullmq',
    postgres: false,
    redis: 'durable',
    tuned: false,
    faults: EVERYTHING,
    rescue: {
      text: 'about 30 s, by locks of 30 s and a look every 30 s',
      source: `${BULLMQ}/guide/going-to-production`,
    },
    choices: [
      {
        text: 'Redis with an append-only file, `appendfsync everysec`, and `noeviction`',
        source: `${BULLMQ}/guide/going-to-production`,
      },
      {
        text: 'producers with `enableOfflineQueue: false`, workers with their defaults; listeners for `error`; `worker.close()` on SIGTERM',
        source: `${BULLMQ}/guide/going-to-production`,
      },
      {
        text: '`maxStalledCount` 1 (its default): one crash does not bury a job',
        source: `${BULLMQ}/guide/jobs/stalled`,
      },
      {
        text: 'three attempts with exponential backoff',
        source: `${BULLMQ}/guide/retrying-failing-jobs`,
      },
    ],
  },
  {
    name: 'pg-boss',
    title: 'pg-boss',
    peer: 'pg-boss',
    package: 'pg-boss',
    postgres: true,
    redis: undefined,
    tuned: false,
    faults: WITHOUT_REDIS,
    rescue: {
      text: 'after 15 min (`expireInSeconds`), heartbeats are off',
      source: `${PGBOSS}/api/queues`,
    },
    choices: PG_BOSS_CHOICES,
  },
  {
    name: 'pg-boss-heartbeat',
    title: 'pg-boss with `heartbeatSeconds: 30`',
    peer: 'pg-boss',
    package: 'pg-boss',
    postgres: true,
    redis: undefined,
    tuned: true,
    faults: WITHOUT_REDIS,
    rescue: {
      text: 'in one to two minutes',
      source: `${PGBOSS}/api/queues`,
    },
    choices: [
      {
        text: 'as above, with the heartbeat that it recommends for quick tasks',
        source: `${PGBOSS}/api/queues`,
      },
    ],
  },
  {
    name: 'graphile-worker',
    title: 'graphile-worker',
    peer: 'graphile-worker',
    package: 'graphile-worker',
    postgres: true,
    redis: undefined,
    tuned: false,
    faults: WITHOUT_REDIS,
    rescue: {
      text: 'after 4 h (crash recovery is a feature of its paid edition)',
      source: `${GRAPHILE}/error-handling`,
    },
    choices: [
      {
        text: '`maxPoolSize` 10 (it recommends 10, or `concurrency` + 2 if that is more); 25 attempts (its default)',
        source: `${GRAPHILE}/config`,
      },
      {
        text: '`runner.stop()` on SIGTERM; a supervisor starts a process anew whose runner has ended',
        source: `${GRAPHILE}/library/run`,
      },
    ],
  },
  {
    name: 'graphile-worker-batching',
    title: 'graphile-worker with batching',
    peer: 'graphile-worker',
    package: 'graphile-worker',
    postgres: true,
    redis: undefined,
    tuned: true,
    faults: WITHOUT_REDIS,
    rescue: {
      text: 'after 4 h',
      source: `${GRAPHILE}/error-handling`,
    },
    choices: [
      {
        text: 'as above, with the local queue and the batches that it recommends for high throughput',
        source: `${GRAPHILE}/performance`,
      },
    ],
  },
];
