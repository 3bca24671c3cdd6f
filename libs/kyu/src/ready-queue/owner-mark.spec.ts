import { tablesOf } from './owner-lines.js';
import { OwnerMark } from './owner-mark.js';

const OWN = 'own-id shop/public.kyu_jobs';
const OTHER = 'other-id test/public.kyu_jobs';

async function learned() {
  const changes: (string | undefined)[] = [];
  const mark = new OwnerMark(
    async () => OWN,
    (foreign) => changes.push(foreign),
  );
  await mark.learn();
  return { mark, changes };
}

describe('OwnerMark', () => {
  it('is renewed while the key is its own', async () => {
    const { mark, changes } = await learned();
    await mark.found(OWN);
    expect([mark.text, mark.action, mark.isForeign]).toEqual([
      OWN,
      'renew',
      false,
    ]);
    expect(changes).toEqual([]);
  });

  it('of a stranger is said once, and the key is taken after two looks in a row that missed it', async () => {
    const { mark, changes } = await learned();
    await mark.found(OTHER);
    await mark.found(OTHER);
    expect(changes).toEqual([OTHER]);
    const actions: string[] = [];
    for (const found of ['', OTHER, '', '']) {
      actions.push(mark.action);
      await mark.found(found);
    }
    expect(actions).toEqual(['look', 'look', 'look', 'look']);
    expect(mark.action).toBe('take');
    await mark.found(OWN);
    expect([mark.action, changes]).toEqual(['renew', [OTHER, undefined]]);
  });

  it('is empty while the tables cannot be asked, and is asked for again', async () => {
    const answers = [Promise.reject(new Error('away')), Promise.resolve(OWN)];
    const mark = new OwnerMark(
      () => answers.shift()!,
      () => undefined,
    );
    await mark.learn();
    expect(mark.text).toBe('');
    await mark.learn();
    expect(mark.text).toBe(OWN);
  });

  it('is not used where Redis does not let it', async () => {
    const { mark } = await learned();
    mark.allow(false);
    expect(mark.text).toBe('');
    mark.allow(true);
    expect(mark.text).toBe(OWN);
  });

  describe('when the tables get another one', () => {
    const NEW = 'new-id shop/public.kyu_jobs';

    async function moved() {
      const changes: (string | undefined)[] = [];
      let answer = async (): Promise<string | undefined> => OWN;
      let now = 0;
      let reads = 0;
      const mark = new OwnerMark(
        () => {
          reads++;
          return answer();
        },
        (foreign) => changes.push(foreign),
        () => now,
      );
      await mark.learn();
      return {
        mark,
        changes,
        reads: () => reads,
        answer: (next: typeof answer) => (answer = next),
        /** A period after so long, and what was asked then has been answered. */
        period: async (ms: number): Promise<void> => {
          now += ms;
          await mark.learn();
          await new Promise(setImmediate);
        },
      };
    }

    it('reads it again once a minute, and the owner takes its key along', async () => {
      const { mark, changes, reads, answer, period } = await moved();
      await mark.found(OWN);
      answer(async () => NEW);
      await period(59_000);
      expect([reads(), mark.current]).toEqual([1, OWN]);
      await period(1_000);
      expect([mark.text, mark.current, mark.action]).toEqual([
        OWN,
        NEW,
        'renew',
      ]);
      await mark.found(OWN); // the key still has the old one
      expect([mark.text, mark.isForeign]).toEqual([OWN, false]);
      await mark.found(NEW);
      expect([mark.text, mark.current]).toEqual([NEW, NEW]);
      expect([changes, reads()]).toEqual([[], 2]);
    });

    it('is no stranger to the new one that another process has set', async () => {
      const { mark, changes, answer } = await moved();
      answer(async () => NEW);
      await mark.found(NEW);
      expect([mark.text, mark.isForeign, changes]).toEqual([NEW, false, []]);
      await mark.found(OWN);
      expect([mark.text, changes]).toEqual([NEW, [OWN]]); // that one is of other tables by now
    });

    it('a stranger reads it, too, and owns the key that has it', async () => {
      const { mark, changes, answer, period } = await moved();
      await mark.found(NEW);
      expect(changes).toEqual([NEW]);
      answer(async () => NEW);
      await period(60_000);
      expect(mark.text).toBe(NEW);
      await mark.found(NEW);
      expect(changes).toEqual([NEW, undefined]);
    });

    it.each([
      ['cannot be read', () => Promise.reject(new Error('away'))],
      ['is gone', async () => undefined],
    ])('keeps the known one while it %s', async (_, next) => {
      const { mark, answer, period } = await moved();
      answer(next);
      await period(60_000);
      expect([mark.text, mark.current]).toEqual([OWN, OWN]);
    });

    it('does not wait for tables that do not answer', async () => {
      const { mark, answer, period, reads } = await moved();
      answer(() => new Promise(() => undefined));
      await period(60_000);
      await period(60_000);
      expect([mark.text, reads()]).toEqual([OWN, 2]);
    });
  });

  it('names the tables in one line, whatever is in Redis', () => {
    expect(tablesOf(OTHER)).toBe('"test/public.kyu_jobs"');
    expect(tablesOf('x\ny')).toBe(String.raw`"x\ny"`);
    expect(tablesOf('x'.repeat(1_000)).length).toBeLessThan(210);
  });
});
