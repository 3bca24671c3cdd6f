import { setTimeout as sleep } from 'node:timers/promises';
import { anyIds } from '../harness/arena.js';
import { disturb } from '../harness/wire-faults.js';
import type { Scenario } from './scenario.js';

/** A moment in which what was enqueued is claimed and begun. */
const BEGIN_MS = 300;
const STOP_PATIENCE_MS = 10_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'stopped worker',
    about:
      'a worker full of handlers that ignore their signal stands still for longer than its lease, and comes back',
    quiesceMs: 15_000,
    mutants: {
      'fence-dropped': [
        'late settle accepted',
        'illegal transition',
        'terminal resurrected',
      ],
      'two-step-reaper': ['terminal resurrected', 'illegal transition'],
    },
    async run(arena) {
      const [worker] = await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { stubborn: 1 },
        workMs: [1_200, 2_500],
        perSecond: 400,
        limit: 40,
      });
      await arena.ready();
      await arena.produced();
      await sleep(BEGIN_MS);
      await worker!.freeze(arena.kyu.heartbeatTimeoutMs + 1_200);
      await sleep(2_000);
    },
  },
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
    mutants: { 'never-back-to-redis': ['not back in Redis'] },
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
      'pop-without-removing': ['left in Redis', 'not back in Redis'],
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
  {
    name: 'rolling restarts',
    about:
      'workers are stopped one after the other, with less patience than their handlers need',
    options: { kyu: { drainTimeoutMs: 200 } },
    quiesceMs: 15_000,
    mutants: { 'token-reused': ['token reused'] },
    async run(arena) {
      await arena.addWorkers(2);
      const producers = await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [800, 1_500],
        perSecond: 100,
        limit: 120,
      });
      await arena.ready();
      await arena.produced(producers);
      for (const worker of arena.workers)
        await worker.restart(STOP_PATIENCE_MS);
      await arena.ready(arena.workers);
    },
  },
  {
    name: 'cut from postgres',
    about: 'one worker loses Postgres for longer than its lease, and runs on',
    quiesceMs: 15_000,
    mutants: { 'no-self-fence': ['overlap'] },
    async run(arena) {
      const [worker] = await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [3_800, 4_300],
        timeoutMs: 10_000,
        perSecond: 400,
        limit: 36,
      });
      await arena.ready();
      await arena.produced();
      await sleep(BEGIN_MS);
      await disturb(arena.faults, [worker!], 'postgres', 'reset', 3_500);
    },
  },
  {
    name: 'blocked loop',
    about: 'handlers block the event loop for longer than the lease',
    options: { kyu: { staleJobTimeoutMs: 15_000 } },
    quiesceMs: 15_000,
    mutants: { 'heartbeat-on-main-thread': ['doubled without a cause'] },
    async run(arena) {
      await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { blocking: 1 },
        workMs: [2_900, 3_100],
        timeoutMs: 15_000,
        batchShare: 0,
        perSecond: 100,
        limit: 3,
      });
      await arena.ready();
      await arena.produced();
    },
  },
  {
    name: 'blocked while cut',
    about:
      'a worker loses Postgres for longer than its lease while its event loop is blocked, and has it back before it can notice',
    options: { kyu: { staleJobTimeoutMs: 15_000 } },
    quiesceMs: 20_000,
    mutants: {},
    async run(arena) {
      const [victim, other] = await arena.addWorkers(2);
      await arena.ready();
      other!.pause();
      const long = await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [7_500, 8_000],
        timeoutMs: 15_000,
        perSecond: 1_000,
        limit: 12,
      });
      await arena.produced(long);
      const block = await arena.addProducers(1, {
        mix: { blocking: 1 },
        workMs: [5_000, 5_000],
        // Whoever takes the jobs over begins the others first.
        priorities: [-9, -9],
        timeoutMs: 15_000,
        batchShare: 0,
        limit: 1,
      });
      await arena.produced(block);
      await sleep(BEGIN_MS);
      other!.wake();
      await disturb(arena.faults, [victim!], 'postgres', 'reset', 3_600);
      await sleep(1_500);
    },
  },
  {
    name: 'poison',
    about: 'a job kills every worker that runs it',
    options: {
      kyu: {
        maxCrashes: 3,
        heartbeatIntervalMs: 250,
        heartbeatTimeoutMs: 1_000,
      },
    },
    quiesceMs: 14_000,
    mutants: { 'crash-not-counted': ['unfinished', 'attempts miscounted'] },
    async run(arena) {
      await arena.addWorkers(2);
      await arena.addProducers(1, { perSecond: 40, limit: 45 });
      await arena.addProducers(1, {
        mix: { poison: 1 },
        batchShare: 0,
        limit: 1,
      });
      await arena.ready(arena.producers);
      await arena.produced();
    },
  },
];
