import fc from 'fast-check';
import { JOB_TRANSITIONS } from '@kyu/nestjs';
import { openStores, type Stores } from '../support/stores.js';
import { STEPS } from './arbitrary-steps.js';
import { JobModel, WORKERS } from './job-model.js';
import { Real } from './steps.js';

/**
 * Walks of random steps by three workers over a few jobs, on the library's own statements, each step compared with a model in memory.
 * A failure prints its seed: KYU_MODEL_SEED=<seed> walks the same again; KYU_MODEL_RUNS sets how many.
 */
const SEED = Number(process.env.KYU_MODEL_SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.KYU_MODEL_RUNS ?? 220);
const STEPS_A_RUN = 60;

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.close());

it('I3 I4 I7 I8 the statements are the state machine: whatever three workers do, late and out of turn, the rows are what the model says', async () => {
  const taken = new Map<string, number>();
  const walked = new Set<string>();
  let run = 0;
  const often = ['enqueue', 'claimPopped', 'claimWaiting', 'settle'];
  const steps = fc.commands(
    [...Object.values(STEPS), ...often.map((name) => STEPS[name]!)],
    { maxCommands: STEPS_A_RUN, size: 'max' },
  );
  const property = fc.asyncProperty(steps, async (walk) => {
    await stores.sql('TRUNCATE jobs, workers');
    const real = new Real(stores, `${stores.queue}:${run++}`, taken);
    for (const { name, jobTypes } of WORKERS)
      await stores.workers.heartbeat({
        worker: { id: name, host: 'h', pid: 1 },
        queue: real.queue,
        slots: 1,
        jobTypes,
      });
    try {
      await fc.asyncModelRun(() => ({ model: new JobModel(), real }), walk);
    } finally {
      for (const move of real.walked) walked.add(move);
    }
  });
  const result = await fc.check(property, { seed: SEED, numRuns: RUNS });
  if (result.failed)
    throw new Error(
      `KYU_MODEL_SEED=${SEED} walks this again.\n${fc.defaultReportMessage(result)}`,
    );

  // The walks went everywhere, else they show nothing.
  expect([...taken.keys()].toSorted()).toEqual(Object.keys(STEPS).toSorted());
  const moves = Object.entries(JOB_TRANSITIONS).flatMap(([from, targets]) =>
    targets.map((to) => `${from} -> ${to}`),
  );
  expect([...walked].toSorted()).toEqual(moves.toSorted());
}, 60_000);
