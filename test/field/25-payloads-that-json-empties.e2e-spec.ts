import { runInNewContext } from 'node:vm';
import { Test } from '@nestjs/testing';
import { InvalidJobError, QueueService } from '@kyu/nestjs';
import { drain, KyuTestingModule } from '@kyu/testing';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

const LOSSES: [string, unknown, string][] = [
  ['a Promise', { user: Promise.resolve(1) }, 'payload.user is a Promise'],
  ['a Map', { by: new Map([['a', 1]]) }, 'payload.by is a Map'],
  ['a Set', [new Set([1])], 'payload[0] is a Set'],
  ['an Error', { e: new Error('x') }, 'payload.e is an Error'],
  [
    'NaN',
    { items: [{ total: 1 }, { total: NaN }] },
    'payload.items[1].total is NaN',
  ],
];

describe('field 25: payloads that JSON empties', () => {
  it('are refused with the path, one by one and in a batch, and nothing is stored', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    for (const [what, payload, part] of LOSSES) {
      const one = kyu.queue.enqueue('t', payload);
      expect(`${what}: ${await failureOf(one)}`).toContain(part);
      const many = kyu.queue.enqueueMany([
        { type: 't', payload: 1 },
        { type: 't', payload },
      ]);
      expect(await failureOf(many)).toContain(part);
    }
    expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
  });

  it('are refused by the memory mode of @kyu/testing as well', async () => {
    const module = await Test.createTestingModule({
      imports: [KyuTestingModule.forRoot({ mode: 'manual' })],
    }).compile();
    const app = await module.init();
    const queue = app.get(QueueService);
    for (const [, payload, part] of LOSSES)
      expect(await failureOf(queue.enqueue('t', payload))).toContain(part);
    await drain(queue);
    await app.close();
  });

  it('may hold NUL and half a surrogate pair, and the SQL of the guide finds them', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const payload = { to: 'ada', text: 'NUL \0, half \ud83e, path C:\\u0000' };
    const id = await kyu.queue.enqueue('t', payload);
    expect((await kyu.queue.inspect(id)).payload).toEqual(payload);
    await expect(
      kyu.sql(`SELECT id FROM jobs WHERE payload::jsonb ->> 'to' = 'ada'`),
    ).rejects.toThrow(/Unicode|json/);
    const safe = String.raw`regexp_replace(payload::text, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\ufffd', 'g')::jsonb`;
    expect(
      await kyu.sql(`SELECT id FROM jobs WHERE ${safe} ->> 'to' = 'ada'`),
    ).toEqual([{ id }]);
  });

  it('are not those with a Date of another realm, and it is a time to run at', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const at = runInNewContext(`new Date('2099-01-02T03:04:05Z')`) as Date;
    expect(at).not.toBeInstanceOf(Date);
    const id = await kyu.queue.enqueue('t', { at }, { scheduledAt: at });
    const job = await kyu.queue.inspect(id);
    expect(job.scheduledAt.toISOString()).toBe('2099-01-02T03:04:05.000Z');
    expect(job.payload).toEqual({ at: '2099-01-02T03:04:05.000Z' });
  });

  it('do not fail a job as its result: there is none, and the log says where and why', async () => {
    const kyu = await startKyu({
      handlers: {
        map: () => Promise.resolve({ rows: [new Map()] }),
        large: () => Promise.resolve('x'.repeat(70_000)),
        fine: () => Promise.resolve({ sent: 3 }),
      },
    });
    const [map, large, fine] = [
      await runJob(kyu.app, 'map'),
      await runJob(kyu.app, 'large'),
      await runJob(kyu.app, 'fine'),
    ];
    expect([map, large, fine].map(({ status }) => status)).toEqual(
      Array(3).fill('completed'),
    );
    expect([map.result, large.result, fine.result]).toEqual([
      null,
      null,
      { sent: 3 },
    ]);
    const warnings = kyu.logger.messages('warn');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain(map.id);
    expect(warnings[0]).toContain('result.rows[0] is a Map');
    expect(warnings[1]).toContain(large.id);
    expect(warnings[1]).toContain('70002 bytes');
  });

  it('as context of the application are refused with the path', async () => {
    const kyu = await startKyu({
      options: {
        mode: 'producer',
        context: {
          capture: () => ({ tenants: new Set(['acme']) }),
          run: (_, work) => work(),
        },
      },
    });
    expect(await failureOf(kyu.queue.enqueue('t', 1))).toContain(
      'context.tenants is a Set',
    );
  });
});

/** The message of the InvalidJobError that it rejects with. */
const failureOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'it was accepted',
    (error: unknown) =>
      error instanceof InvalidJobError ? error.message : String(error),
  );
