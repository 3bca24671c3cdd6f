import { WorkerIdentity } from '../../libs/kyu/src/runtime/worker-identity.js';
import { aJob, openStores, type Stores } from '../support/stores.js';

/** The order of the waiting jobs, read in pieces: each goes on behind the last job of the one before. */

const HOUR_MS = 3_600_000;
const PRIORITIES = [5, 0, -3, 5, 0, 7, 0, 5, -3, 0];

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
  await stores.workers.heartbeat({
    worker: new WorkerIdentity(),
    queue: stores.queue,
    slots: 1,
    jobTypes: ['work'],
  });
});
afterAll(() => stores.close());

it.each([1, 3, 4, 100])(
  'I13 pieces of %i hold every job once, by priority and age',
  async (size) => {
    await stores.sql('DELETE FROM jobs');
    const { queue, maintenance } = stores;
    await stores.jobs.enqueue(
      queue,
      PRIORITIES.map((priority) => aJob({ priority })),
    );
    const all = await maintenance.bestWaiting(queue, 100, HOUR_MS);
    expect(all.map(({ priority }) => priority)).toEqual(
      PRIORITIES.toSorted((a, b) => b - a),
    );

    const read = await maintenance.bestWaiting(queue, 1, HOUR_MS);
    for (;;) {
      const tail = read.at(-1)!;
      const next = await maintenance.bestWaitingBehind(
        tail,
        queue,
        size,
        HOUR_MS,
      );
      read.push(...next);
      if (next.length < size) break;
    }
    expect(read).toEqual(all);
  },
);
