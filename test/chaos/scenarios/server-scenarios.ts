import { setTimeout as sleep } from 'node:timers/promises';
import { anyIds } from '../harness/arena.js';
import { disturb } from '../harness/wire-faults.js';
import type { Scenario } from './scenario.js';

/** A moment in which what was enqueued is claimed and begun. */
const BEGIN_MS = 300;

/** What Redis and Postgres can do to everybody, and what is asked of the rows. */
export const SERVER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'stale ids',
    about:
      'Redis repeats the ids of jobs in every state and invents some; jobs are cancelled meanwhile',
    quiesceMs: 15_000,
    mutants: {
      'claim-unguarded': ['illegal transition', 'terminal resurrected'],
      'claim-early': ['early claim'],
      'handler-skipped': ['completed without an end'],
      'handler-twice': ['started without a claim'],
      'cancel-ignored': ['cancel ignored'],
      'payload-changed': ['phantom'],
      'refuses-what-it-stored': ['rejected and stored'],
    },
    async run(arena, faults) {
      await arena.addWorkers(2);
      const producers = await arena.addProducers(1, {
        mix: { fast: 4, slow: 4, later: 4, flaky: 2, doomed: 1, parent: 1 },
        perSecond: 100,
        limit: 250,
      });
      await arena.addProducers(1, { perSecond: 8 }, 'canceller');
      await arena.ready();
      for (let n = 0; n < 10; n++) {
        await sleep(250);
        await faults.forgeIds(await anyIds(arena));
      }
      await arena.produced(producers);
    },
  },
  {
    name: 'redis wiped',
    about: 'a backlog is staged, and then Redis forgets it',
    alone: true,
    quiesceMs: 12_000,
    mutants: { 'no-refill': ['unfinished'] },
    async run(arena, faults) {
      await arena.addWorkers(1);
      await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [150, 250],
        perSecond: 2_000,
        limit: 400,
      });
      await arena.ready();
      await arena.produced();
      await faults.flushRedis();
    },
  },
  {
    name: 'redis half-open',
    about:
      'Redis takes connections and answers nothing, for longer than every timeout',
    quiesceMs: 10_000,
    mutants: { 'never-back-to-redis': ['not back in Redis', 'left in Redis'] },
    async run(arena) {
      const workers = await arena.addWorkers(2);
      await arena.addProducers(1, { perSecond: 40 });
      await arena.ready();
      await sleep(BEGIN_MS);
      await disturb(arena.faults, workers, 'redis', 'swallow', 4_000);
    },
  },
  {
    name: 'inserts held back',
    about:
      'a lock on the table holds every insert back while jobs are enqueued',
    quiesceMs: 10_000,
    mutants: {
      'stage-before-commit': ['staged without a row'],
      'never-stops': ['ended otherwise'],
      'pop-without-removing': [
        'left in Redis',
        'not back in Redis',
        'unfinished',
      ],
    },
    async run(arena) {
      await arena.addProducers(1, { perSecond: 50, limit: 60, batchShare: 0 });
      await arena.ready();
      await arena.servers.database.holding(
        `LOCK TABLE "${arena.schema}".kyu_jobs IN SHARE MODE`,
        () => sleep(1_200),
      );
      await arena.addWorkers(1);
      await arena.ready(arena.workers);
      await arena.produced();
    },
  },
  {
    name: 'postgres crashes',
    about: 'Postgres crashes twice while jobs are enqueued',
    alone: true,
    quiesceMs: 20_000,
    mutants: { 'ack-before-commit': ['lost'] },
    async run(arena, faults) {
      await arena.addWorkers(1);
      await arena.addProducers(2, { perSecond: 100 });
      await arena.ready();
      for (let n = 0; n < 2; n++) {
        await sleep(700);
        await faults.crashPostgres(200);
      }
      await sleep(500);
    },
  },
  {
    name: 'retention',
    about: 'finished jobs are pruned after half a second, others wait longer',
    options: { kyu: { keepFinishedMs: 500 }, pruneEveryMs: 300 },
    quiesceMs: 10_000,
    mutants: { 'prune-unfinished': ['lost', 'illegal transition'] },
    async run(arena) {
      await arena.addWorkers(1);
      const producers = await arena.addProducers(1, {
        mix: { fast: 2, later: 1 },
        laterMs: [1_500, 2_500],
        perSecond: 100,
        limit: 120,
      });
      await arena.ready();
      await arena.produced(producers);
    },
  },
];
