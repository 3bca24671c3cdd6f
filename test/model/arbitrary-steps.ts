import fc, { type Arbitrary } from 'fast-check';
import type { Outcome } from '../../libs/kyu/src/store/settlement.js';
import { uuidV7 } from '../../libs/kyu/src/runtime/uuid-v7.js';
import { MAX_CRASHES, WORKERS, type Claim, type Ending } from './job-model.js';
import { enqueue, pick, pickClaim, Step, workerOf } from './steps.js';

const HOUR_MS = 3_600_000;
const STALE = {
  heartbeatTimeoutMs: 60_000,
  staleJobTimeoutMs: HOUR_MS,
  maxCrashes: MAX_CRASHES,
  limit: 100,
};

const index = fc.nat({ max: 7 });
const worker = fc.nat({ max: WORKERS.length - 1 }).map(workerOf);
const flag = fc.boolean();

const outcome = (ending: Ending, dueAtOnce: boolean): Outcome =>
  ending === 'completed'
    ? { status: ending, resultJson: '1' }
    : ending === 'failed'
      ? { status: ending, error: 'x', retryInMs: dueAtOnce ? 0 : HOUR_MS }
      : { status: ending, error: 'x', stack: 'at x' };

const step = <T>(
  kind: string,
  needs: ConstructorParameters<typeof Step>[2],
  details: Arbitrary<T>,
  action: (
    details: T,
    ...rest: Parameters<ConstructorParameters<typeof Step>[3]>
  ) => Promise<[unknown, unknown]>,
): Arbitrary<Step> =>
  details.map(
    (chosen) =>
      new Step(kind, chosen, needs, (model, real) =>
        action(chosen, model, real),
      ),
  );

/** As somebody else would settle it: with the token, but not as its owner. */
const impostor = ({ worker: owner, ...run }: Claim): Claim => ({
  ...run,
  worker: WORKERS.find(({ name }) => name !== owner)!.name,
});

const ends = fc.record({
  claim: index,
  asAnother: fc.nat({ max: 7 }).map((n) => n === 0),
});

export const STEPS: Record<string, Arbitrary<Step>> = {
  enqueue: step(
    'enqueue',
    'nothing',
    fc.record({
      jobType: fc.constantFrom('a', 'b'),
      priority: fc.constantFrom(-1, 0, 0, 5),
      at: fc.constantFrom('now', 'past', 'future'),
    }),
    (job, model, real) => enqueue(model, real, job),
  ),
  claimPopped: step(
    'claimPopped',
    'a job',
    fc.record({
      worker,
      jobs: fc.array(index, { minLength: 1, maxLength: 4 }),
    }),
    async ({ worker: { name, jobTypes }, jobs }, model, real) => {
      // With one that nobody enqueued, as Redis may hold.
      const ids = [...jobs.map((n) => pick(model.all, n).id), uuidV7()];
      const claimed = await real.stores.jobs.claimPopped(
        { worker: name, queue: real.queue, jobTypes },
        ids,
      );
      return [
        claimed.map(({ id, token }) => ({ id, token, worker: name })),
        model.claim(name, { ids }),
      ];
    },
  ),
  claimWaiting: step(
    'claimWaiting',
    'nothing',
    fc.record({ worker, limit: fc.integer({ min: 1, max: 3 }) }),
    async ({ worker: { name, jobTypes }, limit }, model, real) => {
      const claimed = await real.stores.jobs.claimWaiting(
        { worker: name, queue: real.queue, jobTypes },
        limit,
      );
      return [
        claimed.map(({ id, token }) => ({ id, token, worker: name })),
        model.claim(name, { limit }),
      ];
    },
  ),
  settle: step(
    'settle',
    'a claim',
    fc.record({
      end: ends,
      ending: fc.constantFrom<Ending[]>(
        'completed',
        'failed',
        'failed',
        'dead',
      ),
      dueAtOnce: flag,
    }),
    async ({ end, ending, dueAtOnce }, model, real) => {
      const claim = pickClaim(model, end.claim);
      const run = end.asAnother ? impostor(claim) : claim;
      const settled = await real.stores.jobs.settleIfOwned(run.worker, [
        { ...run, outcome: outcome(ending, dueAtOnce) },
      ]);
      return [settled.get(run.id), model.settle(run, ending, dueAtOnce)];
    },
  ),
  release: step('release', 'a claim', ends, async (end, model, real) => {
    const claim = pickClaim(model, end.claim);
    const run = end.asAnother ? impostor(claim) : claim;
    const released = await real.stores.jobs.releaseIfOwned(run.worker, [run]);
    return [released.has(run.id), model.release(run)];
  }),
  releaseStrays: step(
    'releaseStrays',
    'a job',
    fc.record({ worker, known: fc.array(index, { maxLength: 3 }) }),
    async ({ worker: { name }, known }, model, real) => {
      const ids = known.map((n) => pick(model.all, n).id);
      const strays = await real.stores.jobs.releaseStrays(name, ids);
      return [
        strays.map(({ id }) => id).toSorted(),
        model.releaseStrays(name, ids).toSorted(),
      ];
    },
  ),
  start: step('start', 'a claim', ends, async (end, model, real) => {
    const claim = pickClaim(model, end.claim);
    const run = end.asAnother ? impostor(claim) : claim;
    const may = await real.stores.jobs.mayStart(run.worker, [run]);
    const started = await real.stores.jobs.markStarted(run.worker, run);
    return [
      [may.has(run.id), started],
      [model.mayStart(run), model.markStarted(run)],
    ];
  }),
  rescue: step(
    'rescue',
    'nothing',
    fc.constant(null),
    async (_, model, real) => {
      const rescued = await real.stores.maintenance.rescueStale(
        real.queue,
        STALE,
      );
      return [
        new Map(rescued.map(({ id, status }) => [id, status])),
        model.rescue(),
      ];
    },
  ),
  promote: step(
    'promote',
    'nothing',
    fc.constant(null),
    async (_, model, real) => {
      const { promoted, nextDueInMs } =
        await real.stores.maintenance.promoteDue(real.queue, 100);
      const expected = model.promote();
      return [
        [promoted.map(({ id }) => id).toSorted(), nextDueInMs !== undefined],
        [expected.promoted.toSorted(), expected.more],
      ];
    },
  ),
  cancel: step('cancel', 'a job', index, async (n, model, real) => {
    const { id } = pick(model.all, n);
    const answer = await real.stores.jobs.cancelIfUnfinished(real.queue, id);
    return [
      answer && (answer.running ? 'running' : 'waiting'),
      model.cancel(id),
    ];
  }),
  prune: step(
    'prune',
    'nothing',
    fc.record({
      completed: flag,
      dead: flag,
      cancelled: flag,
      limit: fc.integer({ min: 1, max: 3 }),
    }),
    async ({ limit, ...kept }, model, real) => {
      if (kept.completed && kept.dead && kept.cancelled) return [0, 0]; // the Pruner does not ask
      const age = (keep: boolean) => (keep ? undefined : HOUR_MS);
      const pruned = await real.stores.maintenance.pruneFinished(
        real.queue,
        {
          completed: age(kept.completed),
          dead: age(kept.dead),
          cancelled: age(kept.cancelled),
        },
        limit,
      );
      return [pruned, model.prune(kept, limit)];
    },
  ),
  removeLost: step(
    'removeLost',
    'nothing',
    fc.constant(null),
    async (_, model, real) => {
      const removed = await real.stores.workers.removeLost(
        real.queue,
        STALE.heartbeatTimeoutMs,
      );
      return [removed.toSorted(), model.removeLost().toSorted()];
    },
  ),
  /** Time that passes for a worker: it goes silent, or beats again. */
  beat: step(
    'beat',
    'nothing',
    fc.record({ worker, alive: flag }),
    async ({ worker: { name, jobTypes }, alive }, model, real) => {
      if (alive)
        await real.stores.workers.heartbeat({
          worker: { id: name, host: 'h', pid: 1 },
          queue: real.queue,
          slots: 1,
          jobTypes,
        });
      else
        await real.stores.sql(
          `UPDATE workers SET heartbeat_at = now() - interval '1 day' WHERE id = $1`,
          [name],
        );
      if (alive || model.workers.get(name) !== 'gone')
        model.workers.set(name, alive ? 'fresh' : 'stale');
      return [null, null];
    },
  ),
  /** Time that passes for a job. */
  pass: step(
    'pass',
    'a job',
    fc.record({ job: index, due: fc.constantFrom(true, true, false) }),
    async ({ job, due }, model, real) => {
      const chosen = pick(model.all, job);
      if (['scheduled', 'failed', 'pending'].includes(chosen.status)) {
        const offset = due ? '-1 minute' : '1 hour';
        await real.edit(
          `scheduled_at = now() + interval '${offset}'`,
          chosen.id,
        );
        chosen.due = due;
      } else if (chosen.status === 'running') {
        await real.edit(`locked_at = now() - interval '1 day'`, chosen.id);
        chosen.overdue = true;
      }
      return [null, null];
    },
  ),
  age: step('age', 'a job', index, async (n, model, real) => {
    const chosen = pick(model.all, n);
    if (['completed', 'dead', 'cancelled'].includes(chosen.status)) {
      await real.edit(`completed_at = now() - interval '1 day'`, chosen.id);
      chosen.old = true;
    }
    return [null, null];
  }),
};
