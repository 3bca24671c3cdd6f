import { expectEnqueued } from '@kyu/testing';
import type { QueueService } from '@kyu/nestjs';
import { bootEmail } from './boot.js';
import { Charge, SendEmail } from './shop.js';

let queue: QueueService;
beforeEach(async () => {
  ({ queue } = await bootEmail({ mode: 'manual' }));
});

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it passed',
    (error: Error) => error.message,
  );

it('returns the jobs that match', async () => {
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  await queue.enqueue(SendEmail, { to: 'b@x.org', subject: 'Bye' });
  const [job, ...more] = await expectEnqueued(queue, SendEmail, {
    where: { to: 'b@x.org' },
  });
  expect(job!.payload).toEqual({ to: 'b@x.org', subject: 'Bye' });
  expect(more).toEqual([]);
  await expectEnqueued(queue, 'send_email', { count: 2 });
});

it('matches parts, deep, as JSON has them, by predicates and by matchers', async () => {
  const at = new Date(5);
  await queue.enqueue('tree', { a: { b: [{ c: 1, d: 2 }], at }, e: null });
  for (const where of [
    {},
    { a: { b: [{ c: 1 }] } },
    { a: { at } },
    { a: { b: [{ c: expect.any(Number) as unknown }] }, f: undefined },
    expect.objectContaining({ e: null }) as object,
    (payload: unknown) => (payload as { e: null }).e === null,
  ])
    await expectEnqueued(queue, 'tree', { where, count: 1 });
  for (const where of [
    { a: { b: [] } },
    { a: { b: { 0: { c: 1 } } } },
    { e: undefined },
    { toString: expect.any(Function) as unknown },
    () => false,
  ])
    await expectEnqueued(queue, 'tree', { where, count: 0 });
});

it('shows the nearest miss', async () => {
  await queue.enqueue(SendEmail, { to: 'a@x.org', subject: 'Bye' });
  const id = await queue.enqueue(SendEmail, { to: 'b@x.org', subject: 'Hi' });
  expect(
    await messageOf(
      expectEnqueued(queue, SendEmail, {
        where: { to: 'c@x.org', subject: 'Hi' },
      }),
    ),
  ).toBe(
    `Expected at least one job of the type "send_email" with { to: 'c@x.org', subject: 'Hi' }; of 2 enqueued, none is. The nearest is ${id} (pending):
  payload.to: expected 'c@x.org', got 'b@x.org'`,
  );
});

it('says when the time is wrong', async () => {
  await queue.enqueue(
    SendEmail,
    { to: 'a@x.org' },
    { scheduledAt: new Date('2100-01-01') },
  );
  await expectEnqueued(queue, SendEmail, {
    runAt: (at) => at.getUTCFullYear() === 2100,
  });
  expect(
    await messageOf(
      expectEnqueued(queue, SendEmail, { runAt: new Date('2100-01-02') }),
    ),
  ).toContain(
    'runAt: expected 2100-01-02T00:00:00.000Z, got 2100-01-01T00:00:00.000Z',
  );
});

it('lists what else was enqueued', async () => {
  expect(await messageOf(expectEnqueued(queue, SendEmail))).toContain(
    'nothing was enqueued in this queue',
  );
  await queue.enqueue('send_emial', null);
  await queue.enqueue('other', null);
  expect(await messageOf(expectEnqueued(queue, SendEmail))).toBe(
    'Expected at least one job of the type "send_email"; none of this type was enqueued in this queue, but "send_emial" (1), "other" (1). Did you mean "send_emial"?',
  );
});

it('says where else to look for a job of another queue', async () => {
  expect(await messageOf(expectEnqueued(queue, Charge))).toContain(
    `Jobs of this type belong to the queue 'billing'`,
  );
});

it('counts', async () => {
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect(
    await messageOf(expectEnqueued(queue, SendEmail, { count: 0 })),
  ).toMatch(/Expected 0 job of .*; there are 1:\n {2}\S+ \(pending\) \{ to: /);
  expect(
    await messageOf(expectEnqueued(queue, SendEmail, { count: 2 })),
  ).toMatch(/Expected 2 .*; there are 1/);
});

it('shows the nearest miss when there are too few', async () => {
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  const id = await queue.enqueue(SendEmail, { to: 'b@x.org' });
  const where = { to: 'a@x.org' };
  expect(
    await messageOf(expectEnqueued(queue, SendEmail, { where, count: 2 })),
  ).toMatch(
    new RegExp(
      `there are 1:\\n.*\\nOf 1 more, the nearest is ${id} .*\\n  payload.to: expected 'a@x.org', got 'b@x.org'`,
    ),
  );
  expect(
    await messageOf(expectEnqueued(queue, SendEmail, { where, count: 0 })),
  ).not.toContain('nearest');
});

it('takes a function that throws for one that says no', async () => {
  await queue.enqueue('tree', null);
  await queue.enqueue('tree', { a: { b: 1 } });
  const where = (tree: unknown) => (tree as { a: { b: 1 } }).a.b === 1;
  await expectEnqueued(queue, 'tree', { where, count: 1 });
  expect(
    await messageOf(
      expectEnqueued(queue, 'tree', {
        runAt: () => {
          throw new RangeError('no such hour');
        },
      }),
    ),
  ).toMatch(
    /runAt: expected that the function returns true, got 2.*Z, for which it threw RangeError: no such hour$/,
  );
});

it('is typed', () => {
  const refused = (): unknown[] => [
    // @ts-expect-error: no such field
    expectEnqueued(queue, SendEmail, { where: { too: 'a' } }),
    // @ts-expect-error: not its type
    expectEnqueued(queue, SendEmail, { where: { to: 1 } }),
    expectEnqueued(queue, SendEmail, {
      where: ({ to }) => to.endsWith('x.org'),
    }),
  ];
  expect(refused).toBeDefined();
});

it('refuses a queue that is not under test', async () => {
  expect(
    await messageOf(expectEnqueued({} as QueueService, SendEmail)),
  ).toContain('withKyuTesting');
});
