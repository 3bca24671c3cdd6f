import type { JobContext, JobHandlerFunction } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** What the handlers of the types got, by job id. */
let received: Map<string, unknown>;
const receive = (payload: unknown, { id }: JobContext): unknown => {
  received.set(id, payload);
  return payload;
};
const start = (...types: string[]): Promise<TestKyu> =>
  startKyu({
    // fromEntries makes `__proto__` a property like any other; a literal would set the prototype
    handlers: Object.fromEntries(
      types.map((type) => [type, receive as JobHandlerFunction<never>]),
    ),
  });
beforeEach(() => {
  received = new Map();
});

/** Enqueues each payload and waits until all have run. */
async function runAll(
  kyu: TestKyu,
  jobs: { type: string; payload: unknown }[],
): Promise<string[]> {
  const ids = await kyu.queue.enqueueMany(jobs);
  await until('all jobs to be completed', async () => {
    const [row] = await kyu.sql<{ n: string }>(
      `SELECT count(*) AS n FROM jobs WHERE status = 'completed'`,
    );
    return Number(row!.n) === jobs.length;
  });
  return ids;
}

const PAYLOADS: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e-300,
  2 ** 53,
  '',
  ' ',
  'null',
  '"quoted"',
  '{"json":"in a string"}',
  'NUL \0 in the middle',
  '\0',
  'half a character \ud800',
  '\udc00\ud800',
  'emoji 🦉 and a family 👩‍👩‍👧',
  'line\nbreaks\r\n\t and \u2028',
  "'; DROP TABLE kyu_jobs; --",
  '\\u0000 $1 %s {}',
  [],
  [[[]], [[1, [2, ['x']]]]],
  [null, [null]],
  {},
  { '': 1, ' ': 2, '\0': 3, '\ud800': 4 },
  { a: { b: { c: [true, false, null, 0, ''] } } },
  { zebra: 1, apple: 2, 10: 3, 2: 4 },
];

describe('a payload comes to the handler exactly as it was enqueued', () => {
  it('whatever JSON can hold', async () => {
    const kyu = await start('echo');
    const ids = await runAll(
      kyu,
      PAYLOADS.map((payload) => ({ type: 'echo', payload })),
    );
    for (const [i, id] of ids.entries()) {
      expect(received.get(id)).toStrictEqual(PAYLOADS[i]);
      const job = await kyu.queue.inspect(id);
      expect(job.payload).toStrictEqual(PAYLOADS[i]);
      expect(job.result).toStrictEqual(PAYLOADS[i]);
    }
  });

  it('with the order of its keys', async () => {
    const kyu = await start('echo');
    const payload = { zebra: 1, apple: { y: 1, x: 2 }, 10: 3, 2: 4 };
    const [id] = await runAll(kyu, [{ type: 'echo', payload }]);
    expect(JSON.stringify(received.get(id!))).toBe(JSON.stringify(payload));
  });

  it('of 1 MiB', async () => {
    const kyu = await start('echo');
    const payload = '🦉'.repeat(262_143) + 'xx'; // and two quotes
    expect(Buffer.byteLength(JSON.stringify(payload))).toBe(1_048_576);
    const [id] = await runAll(kyu, [{ type: 'echo', payload }]);
    expect(received.get(id!) === payload).toBe(true);
    // A result has a limit of its own; the work is done all the same.
    expect((await kyu.queue.inspect(id!)).result).toBeNull();
    expect(kyu.logger.messages('warn')).toEqual([
      `The result of job ${id} (echo) is not kept: it has 1048576 bytes, the limit is 65536.`,
    ]);
  });

  it('with a key __proto__, and pollutes nothing', async () => {
    const kyu = await start('echo');
    const payload = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"a":1}',
    ) as object;
    const [id] = await runAll(kyu, [{ type: 'echo', payload }]);
    for (const back of [
      received.get(id!) as object,
      (await kyu.queue.inspect(id!)).payload as object,
    ]) {
      expect(Object.keys(back)).toEqual(['__proto__', 'constructor', 'a']);
      expect(Object.getPrototypeOf(back)).toHaveProperty('hasOwnProperty');
      expect(JSON.stringify(back)).toBe(JSON.stringify(payload));
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect((received.get(id!) as { polluted?: boolean }).polluted).toBe(
      undefined,
    );
  });
});

describe('a job type is a name like any other', () => {
  const TYPES = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    ' ',
    'two words',
    'Größe 🦉',
    "'; DROP TABLE kyu_jobs; --",
    '{a,"b"}',
    'NULL',
    '\\',
    'x'.repeat(128),
    '🦉'.repeat(32),
  ];

  it('whatever it is called', async () => {
    const kyu = await start(...TYPES);
    const ids = await runAll(
      kyu,
      TYPES.map((type) => ({ type, payload: type })),
    );
    const jobs = await Promise.all(ids.map((id) => kyu.queue.inspect(id)));
    expect(jobs.map(({ jobType }) => jobType)).toEqual(TYPES);
    expect(ids.map((id) => received.get(id))).toEqual(TYPES);
  });

  it('also when nobody handles it: then it is not found on a prototype', async () => {
    const kyu = await start('other');
    const unhandled = kyu.nextEvent('job.unhandled');
    const id = await kyu.queue.enqueue('constructor', null);
    expect(await unhandled).toEqual({ id, jobType: 'constructor' });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'pending',
      claimToken: 0,
    });
  });
});
