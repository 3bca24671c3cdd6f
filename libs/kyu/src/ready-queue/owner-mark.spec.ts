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
    mark.found(OWN);
    expect([mark.text, mark.action, mark.isForeign]).toEqual([
      OWN,
      'renew',
      false,
    ]);
    expect(changes).toEqual([]);
  });

  it('of a stranger is said once, and the key is taken after two looks in a row that missed it', async () => {
    const { mark, changes } = await learned();
    mark.found(OTHER);
    mark.found(OTHER);
    expect(changes).toEqual([OTHER]);
    const actions = ['', OTHER, '', ''].map((found) => {
      const { action } = mark;
      mark.found(found);
      return action;
    });
    expect(actions).toEqual(['look', 'look', 'look', 'look']);
    expect(mark.action).toBe('take');
    mark.found(OWN);
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

  it('names the tables in one line, whatever is in Redis', () => {
    expect(tablesOf(OTHER)).toBe('"test/public.kyu_jobs"');
    expect(tablesOf('x\ny')).toBe(String.raw`"x\ny"`);
    expect(tablesOf('x'.repeat(1_000)).length).toBeLessThan(210);
  });
});
