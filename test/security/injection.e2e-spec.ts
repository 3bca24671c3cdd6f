import { InvalidOptionsError, type KyuOptions } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Client } from 'pg';
import { resolveOptions } from '../../libs/kyu/src/config/resolve-options.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** Values are parameters, names are checked at the door: no input is ever SQL. */

const ATTACKS = [
  `'; DROP TABLE kyu_jobs; --`,
  `"; DROP SCHEMA public CASCADE; --`,
  `' OR '1'='1`,
  `$1`,
  `$$; DELETE FROM kyu_jobs; $$`,
  `1); TRUNCATE kyu_jobs; SELECT (1`,
  `\\'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity; --`,
  `{"a","b"}`,
  `{,}`,
  `E'\\x27'`,
  `/* */ UNION SELECT usename, passwd FROM pg_shadow --`,
  '\u02BC; DROP TABLE kyu_jobs; --',
];

const intact = async (kyu: TestKyu): Promise<unknown> =>
  kyu.sql(
    `SELECT count(*)::int AS tables FROM information_schema.tables WHERE table_schema = '${kyu.schema}'`,
  );

describe('an injection', () => {
  it('as type or payload is stored and run as the text that it is', async () => {
    const seen = new Map<string, unknown>();
    const kyu = await startKyu({
      handlers: Object.fromEntries(
        ATTACKS.map((attack) => [
          attack,
          (payload: unknown) => {
            seen.set(attack, payload);
            throw new Error(attack); // and as an error
          },
        ]),
      ),
    });
    const before = await intact(kyu);
    const ids = await kyu.queue.enqueueMany(
      ATTACKS.map((attack) => ({
        type: attack,
        payload: { [attack]: [attack] },
        maxRetries: 0,
      })),
    );
    await until('all to end', async () => {
      return (await kyu.queue.deadJobs()).length === ids.length;
    });
    for (const [i, attack] of ATTACKS.entries()) {
      expect(seen.get(attack)).toEqual({ [attack]: [attack] });
      expect(await kyu.queue.inspect(ids[i]!)).toMatchObject({
        jobType: attack,
        errorMessage: attack,
        payload: { [attack]: [attack] },
      });
    }
    expect(await intact(kyu)).toEqual(before);
  });

  it.each(ATTACKS)(
    'as an id is refused before any statement: %s',
    async (id) => {
      const kyu = await startKyu({ options: { mode: 'producer' } });
      const texts = await textsOf(async () => {
        for (const call of [
          () => kyu.queue.inspect(id),
          () => kyu.queue.cancelJob(id),
          () => kyu.queue.deadJobs({ before: id }),
          () => kyu.queue.inspect(`${'0'.repeat(8)}-0000-7000-8000-${id}`),
        ])
          await expect(call()).rejects.toThrow('Expected the id of a job');
      });
      expect(texts.size).toBe(0);
    },
  );

  it.each(ATTACKS)('as a name is refused at the door: %s', (name) => {
    for (const options of [
      { queueName: name },
      { postgres: { schema: name } },
      { postgres: { tablePrefix: name } },
    ] satisfies KyuOptions[])
      expect(() => resolveOptions(options, {})).toThrow(InvalidOptionsError);
  });
});

/** The distinct SQL texts that any connection of this process sends meanwhile. */
async function textsOf(work: () => Promise<unknown>): Promise<Set<string>> {
  const texts = new Set<string>();
  const original = Object.getOwnPropertyDescriptor(Client.prototype, 'query')!;
  const query = original.value as (...args: unknown[]) => unknown;
  Object.defineProperty(Client.prototype, 'query', {
    ...original,
    value(this: Client, ...args: unknown[]) {
      const [first] = args as [string | { text: string }];
      texts.add(typeof first === 'string' ? first : first.text);
      return Reflect.apply(query, this, args);
    },
  });
  try {
    await work();
  } finally {
    Object.defineProperty(Client.prototype, 'query', original);
  }
  return texts;
}

it('the set of SQL texts is finite: it does not grow with the input, and holds none of it', async () => {
  const kyu = await startKyu({ options: { backoff: { base: 1 } } });
  let turn = 0;
  const round = (): Promise<Set<string>> =>
    textsOf(async () => {
      for (const size of [1, 2, 7, 40]) {
        const marker = `Zq7Marker${turn++}`;
        kyu.queue.register(marker, (n: number) => {
          if (n % 3 === 0) throw new Error(marker);
          return marker;
        });
        const ids = await kyu.queue.enqueueMany(
          Array.from({ length: size }, (_, n) => ({
            type: marker,
            payload: n,
            priority: n,
            maxRetries: n % 2,
          })),
        );
        const id = await kyu.queue.enqueue(marker, marker, {
          scheduledAt: new Date(Date.now() + 3_600_000 + turn),
        });
        await kyu.queue.cancelJob(id);
        await kyu.queue.deadJobs({ limit: size, before: id });
        await until('all to end', async () => {
          const jobs = await Promise.all(
            ids.map((each) => kyu.queue.inspect(each)),
          );
          return jobs.every(({ completedAt }) => completedAt);
        });
      }
    });
  const all = new Set([...(await round()), ...(await round())]);
  const later = await round();
  expect(all.size).toBeGreaterThan(5);
  // Time may bring one that had not come yet, such as a rescue; input brings none.
  expect(new Set([...all, ...later]).size).toBeLessThanOrEqual(25);
  for (const text of [...all, ...later])
    expect(text).not.toContain('Zq7Marker');
});
