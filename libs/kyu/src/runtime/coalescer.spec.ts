import { jest } from '@jest/globals';
import { Coalescer } from './coalescer.js';

const never = (): boolean => false;

/** Batches as they were run; each ends when the test says so. */
class Batches {
  readonly seen: number[][] = [];
  private readonly ends: (() => void)[] = [];

  readonly run = async (items: readonly number[]): Promise<number[]> => {
    this.seen.push([...items]);
    await new Promise<void>((resolve) => this.ends.push(resolve));
    return items.map((item) => item * 10);
  };

  end(): void {
    this.ends.shift()?.();
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('Coalescer', () => {
  it('makes one batch of the calls of one turn, and gives each its own answer', async () => {
    const batches = new Batches();
    const coalescer = new Coalescer(batches.run, {
      maxBatch: 10,
      splitOn: never,
    });
    const answers = Promise.all([1, 2, 3].map((n) => coalescer.add(n)));
    await turn();
    expect(batches.seen).toEqual([[1, 2, 3]]);
    batches.end();
    expect(await answers).toEqual([10, 20, 30]);
  });

  it('has at most two batches under way; who comes meanwhile gathers for the next', async () => {
    const batches = new Batches();
    const coalescer = new Coalescer(batches.run, {
      maxBatch: 10,
      splitOn: never,
    });
    const answers: Promise<number>[] = [];
    for (const n of [1, 2, 3, 4]) {
      answers.push(coalescer.add(n));
      await turn();
    }
    expect(batches.seen).toEqual([[1], [2]]);
    batches.end();
    await answers[0];
    await turn(); // the batch is cleared away
    await turn(); // and the next one goes out
    expect(batches.seen).toEqual([[1], [2], [3, 4]]);
    batches.end();
    batches.end();
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40]);
  });

  describe('with a time to gather', () => {
    /** Longer than a test may take: who waits for it in vain never ends. */
    const FOR_EVER_MS = 600_000;
    const sizes: number[] = [];
    const newCoalescer = (gatherMs: number) => {
      sizes.length = 0;
      return new Coalescer<number, number>(
        async (items) => {
          sizes.push(items.length);
          return [...items];
        },
        { maxBatch: 500, splitOn: never, gatherMs },
      );
    };
    afterEach(() => jest.useRealTimers());

    const addAll = (coalescer: Coalescer<number, number>, count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => coalescer.add(n)));

    it('keeps nobody waiting while batches are small', async () => {
      const coalescer = newCoalescer(FOR_EVER_MS);
      for (let n = 0; n < 5; n++) await coalescer.add(n);
      await addAll(coalescer, 8);
      await coalescer.add(6);
      expect(sizes).toEqual([1, 1, 1, 1, 1, 8, 1]);
    });

    it('makes one batch of those that come one by one after a large one, and waits once', async () => {
      const coalescer = newCoalescer(500);
      await addAll(coalescer, 9);
      const answers: Promise<number>[] = [];
      for (let n = 0; n < 5; n++) {
        answers.push(coalescer.add(n));
        await turn();
      }
      expect(await Promise.all(answers)).toEqual([0, 1, 2, 3, 4]);
      await coalescer.add(6);
      await coalescer.add(7);
      expect(sizes).toEqual([9, 5, 1, 1]);
    });

    it('sends at once what is enough', async () => {
      const coalescer = newCoalescer(FOR_EVER_MS);
      await addAll(coalescer, 9);
      await addAll(coalescer, 300);
      expect(sizes).toEqual([9, 300]);
    });

    it('sends what has waited for a place long enough when there is one', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
      const batches = new Batches();
      const coalescer = new Coalescer(batches.run, {
        maxBatch: 500,
        splitOn: never,
        gatherMs: FOR_EVER_MS,
      });
      const answers = [addAll(coalescer, 9)];
      await turn();
      answers.push(addAll(coalescer, 300));
      await turn();
      answers.push(addAll(coalescer, 3));
      jest.advanceTimersByTime(FOR_EVER_MS);
      await turn();
      expect(batches.seen.map(({ length }) => length)).toEqual([9, 300]);
      batches.end();
      batches.end();
      await answers[0];
      await turn();
      await turn();
      expect(batches.seen.map(({ length }) => length)).toEqual([9, 300, 3]);
      batches.end();
      await Promise.all(answers);
    });
  });

  it('makes no batch larger than its limit', async () => {
    const sizes: number[] = [];
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        sizes.push(items.length);
        return [...items];
      },
      { maxBatch: 2, splitOn: never },
    );
    await Promise.all([1, 2, 3, 4, 5].map((n) => coalescer.add(n)));
    expect(sizes).toEqual([2, 2, 1]);
  });

  it('tells every caller when the batch fails', async () => {
    const coalescer = new Coalescer<number, number>(
      () => Promise.reject(new Error('gone')),
      { maxBatch: 10, splitOn: never },
    );
    const results = await Promise.allSettled([
      coalescer.add(1),
      coalescer.add(2),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
    ]);
  });

  it('tries one by one when a single item may be to blame, and tells only its caller', async () => {
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        if (items.includes(2)) throw new Error('two');
        return [...items];
      },
      { maxBatch: 10, splitOn: (error) => (error as Error).message === 'two' },
    );
    const results = await Promise.allSettled(
      [1, 2, 3].map((n) => coalescer.add(n)),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  it('goes on after a failure', async () => {
    let fail = true;
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        if (fail) throw new Error('once');
        return [...items];
      },
      { maxBatch: 10, splitOn: never },
    );
    await expect(coalescer.add(1)).rejects.toThrow('once');
    fail = false;
    expect(await coalescer.add(2)).toBe(2);
  });
});
