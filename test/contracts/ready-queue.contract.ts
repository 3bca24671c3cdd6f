import { isolated } from '@kyu/testing';
import { DataSource } from 'typeorm';
import { newJob, type NewJob } from '../../libs/kyu/src/job/new-job.js';
import { resolveOptions } from '../../libs/kyu/src/config/resolve-options.js';
import {
  LOOK_IN_POSTGRES,
  type ReadyQueue,
} from '../../libs/kyu/src/ready-queue/ready-queue.js';
import { closeDataSource } from '../../libs/kyu/src/store/data-source.js';
import { Database } from '../../libs/kyu/src/store/database.js';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { openDataSource } from '../../libs/kyu/src/store/open-data-source.js';
import { POSTGRES_URL } from '../support/servers.js';

const WORKER = 'host:1:contract';
const DEFAULTS = { priority: 0, maxRetries: 0, timeout: 30_000 };

/**
 * What every ready queue must do, seen as a worker sees it: pop, then claim. Nothing here knows where the ids were in between.
 *
 * @param make a ready queue for the given name, open and empty.
 */
export function describeReadyQueue(
  name: string,
  make: (queueName: string) => Promise<ReadyQueue>,
): void {
  describe(`${name} keeps the contract of a ready queue`, () => {
    const { schema, queueName } = isolated();
    const config = resolveOptions({
      postgres: { url: POSTGRES_URL, schema },
      queueName,
    });
    let dataSource: DataSource;
    let store: JobStore;
    let queue: ReadyQueue;

    beforeAll(async () => {
      dataSource = await openDataSource(config.postgres);
      store = new JobStore(new Database(dataSource, config.postgres.tables));
    });
    beforeEach(async () => {
      queue = await make(queueName);
    });
    afterEach(async () => {
      await take(100, 0); // the next test begins with an empty queue
      await queue.close();
    });
    afterAll(async () => {
      await dataSource.query(`DROP SCHEMA "${schema}" CASCADE`);
      await closeDataSource(dataSource, config.postgres);
    });

    const job = (priority = 0): NewJob =>
      newJob('work', null, { priority }, DEFAULTS);

    async function enqueue(...jobs: NewJob[]): Promise<string[]> {
      const stored = await store.enqueue(queueName, jobs);
      await queue.stage(stored);
      return stored.map(({ id }) => id);
    }

    async function take(
      count: number,
      waitMs: number,
      signal?: AbortSignal,
    ): Promise<string[]> {
      const popped = await queue.pop(count, waitMs, signal);
      const claimant = { worker: WORKER, queue: queueName, jobTypes: ['work'] };
      const jobs =
        popped === LOOK_IN_POSTGRES
          ? await store.claimWaiting(claimant, count)
          : await store.claimPopped(
              claimant,
              popped.map(({ id }) => id),
            );
      return jobs.map(({ id }) => id);
    }

    it('gives what was staged', async () => {
      const ids = await enqueue(job());
      expect(await take(5, 1_000)).toEqual(ids);
    });

    it('gives nothing when there is nothing', async () => {
      expect(await take(5, 0)).toEqual([]);
      expect(await take(5, 200)).toEqual([]);
    });

    it('gives the highest priority first, then the oldest', async () => {
      const [low, first, second, high, negative] = await enqueue(
        job(1),
        job(5),
        job(5),
        job(2_147_483_647),
        job(-2_147_483_647),
      );
      expect(await take(2, 1_000)).toEqual([high, first]);
      expect(await take(5, 0)).toEqual([second, low, negative]);
    });

    it('gives each job once, however often it was staged', async () => {
      const twice = job();
      const [id] = await enqueue(twice);
      await queue.stage([{ id: id!, priority: 0 }]);
      expect(await take(5, 1_000)).toEqual([id]);
      await queue.stage([{ id: id!, priority: 0 }]);
      expect(await take(5, 0)).toEqual([]);
    });

    it('gives no more than was asked for', async () => {
      const ids = await enqueue(job(), job(), job());
      expect(await take(2, 1_000)).toEqual(ids.slice(0, 2));
      expect(await take(2, 0)).toEqual(ids.slice(2));
    });

    it('wakes a waiting pop when something is staged', async () => {
      const waiting = take(1, 10_000);
      const ids = await enqueue(job());
      expect(await waiting).toEqual(ids);
    });

    it('ends a waiting pop when the signal aborts, before or during the wait', async () => {
      const stop = new AbortController();
      const waiting = take(1, 60_000, stop.signal);
      stop.abort();
      expect(await waiting).toEqual([]);
      expect(await take(1, 60_000, stop.signal)).toEqual([]);
    });

    it('can pop again after a wait was ended', async () => {
      const stop = new AbortController();
      const waiting = take(1, 60_000, stop.signal);
      stop.abort();
      await waiting;
      const ids = await enqueue(job());
      expect(await take(1, 5_000)).toEqual(ids);
    });

    it('gives back what was put back', async () => {
      const ids = await enqueue(job(3), job(2));
      const popped = await queue.pop(2, 1_000);
      if (popped !== LOOK_IN_POSTGRES) await queue.putBack(popped);
      expect(await take(2, 1_000)).toEqual(ids);
    });

    it('gives what only a refill brought', async () => {
      const stored = await store.enqueue(queueName, [job(), job(7)]);
      await queue.refill(stored, true);
      expect(await take(5, 1_000)).toEqual([stored[1]!.id, stored[0]!.id]);
    });

    it('does not mind ids that are nobody’s', async () => {
      await queue.stage([
        { id: '00000000-0000-7000-8000-000000000000', priority: 9 },
      ]);
      const ids = await enqueue(job());
      const taken = [...(await take(5, 1_000)), ...(await take(5, 0))];
      expect(taken).toEqual(ids);
    });
  });
}
