import { getDataSourceToken } from '@nestjs/typeorm';
import {
  getKyuHealthToken,
  getQueueToken,
  KyuModule,
  type JobHandlerFunction,
  type KyuHealth,
  type KyuOptions,
  type QueueService,
  type RegisterOptions,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import type { INestApplication } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  bootApp,
  newGround,
  runSql,
  type Ground,
} from '../support/boot-app.js';
import { Gate } from '../support/gate.js';

const NAMES = [undefined, 'mail', 'billing', 'images'];

const dataSourceOf = (app: INestApplication, name?: string): DataSource =>
  app.get(getDataSourceToken(name === undefined ? 'kyu' : `kyu:${name}`));

const queueOf = (app: INestApplication, name?: string): QueueService =>
  app.get(getQueueToken(name));

/** An application with a queue for each name, all on the tables of one ground. */
function booted(
  ground: Ground,
  {
    names = NAMES,
    work = () => undefined,
    handler = {},
    optionsOf = () => ({}),
  }: {
    names?: (string | undefined)[];
    work?: JobHandlerFunction<never>;
    handler?: RegisterOptions;
    optionsOf?: (name: string | undefined) => KyuOptions;
  } = {},
): Promise<INestApplication> {
  return bootApp(
    {
      imports: names.map((name) => {
        const { postgres, ...more } = optionsOf(name);
        return KyuModule.forRoot({
          ...ground.options({
            ...more,
            postgres: { maxConnections: 3, ...postgres },
          }),
          queueName: `${ground.queueName}-${name ?? 'default'}`,
          name,
        });
      }),
    },
    (app) => {
      for (const name of names)
        queueOf(app, name).register('work', work, handler);
    },
  );
}

/** Kyu's connections, without those of heartbeats, whose last statement named the ground's tables. */
const connections = async ({ schema }: Ground): Promise<number> => {
  const rows = await runSql(
    `SELECT FROM pg_stat_activity WHERE application_name = 'kyu' AND query LIKE '%' || $1 || '%'`,
    [schema],
  );
  return rows.length;
};

async function runEverywhere(
  app: INestApplication,
  ground: Ground,
  each: number,
): Promise<void> {
  const jobs = Array.from({ length: each }, () => ({
    type: 'work',
    payload: null,
  }));
  await Promise.all(NAMES.map((name) => queueOf(app, name).enqueueMany(jobs)));
  await until('all of them', async () => {
    const [row] = await ground.sql<{ done: number }>(
      `SELECT count(*)::int AS done FROM jobs WHERE status = 'completed'`,
    );
    return row!.done === each * NAMES.length;
  });
}

describe('field 26: registrations with equal postgres settings', () => {
  it('share one pool, and its maxConnections', async () => {
    const ground = newGround();
    const app = await booted(ground);
    const [main, ...named] = NAMES.map((name) => dataSourceOf(app, name));
    for (const each of named) expect(each).toBe(main);
    await runEverywhere(app, ground, 50);
    expect(await connections(ground)).toBeLessThanOrEqual(3);
    for (const name of NAMES)
      expect(
        await app.get<KyuHealth>(getKyuHealthToken(name)).check(),
      ).toMatchObject({ status: 'up' });
  });

  it.each<[string, KyuOptions['postgres'], boolean]>([
    ['the same settings, in objects of their own', { ssl: undefined }, true],
    [
      'the defaults, spelt out',
      { migrations: 'auto', maxLifetime: 300_000 },
      true,
    ],
    ['another pool size', { maxConnections: 4 }, false],
    ['other tables', { tablePrefix: 'other_' }, false],
    ['another lifetime', { maxLifetime: '1m' }, false],
  ])('share a pool or not, with %s', async (_, postgres, shared) => {
    const app = await booted(newGround(), {
      names: [undefined, 'mail'],
      optionsOf: (name) => (name === 'mail' ? { postgres } : {}),
    });
    expect(dataSourceOf(app, 'mail') === dataSourceOf(app)).toBe(shared);
  });

  it('share nothing with another application of the process, and outlive its end', async () => {
    const ground = newGround();
    const one = await booted(ground);
    const other = await booted(ground);
    expect(dataSourceOf(other)).not.toBe(dataSourceOf(one));
    await one.close();
    await runEverywhere(other, ground, 5);
  });

  it('close the pool after the last of them has stopped: one that drains may enqueue everywhere', async () => {
    const ground = newGround();
    const gate = new Gate();
    let sent: string[] = [];
    const app: INestApplication = await booted(ground, {
      work: async () => {
        await gate.wait();
        sent = await Promise.all(
          NAMES.map((name) => queueOf(app, name).enqueue('later', null)),
        );
      },
    });
    await queueOf(app, 'billing').enqueue('work', null);
    await until('its begin', () => gate.arrivals === 1);
    const closed = app.close();
    gate.open();
    await closed;
    expect(sent).toHaveLength(NAMES.length);
    const jobs = await ground.sql<{ is: string }>(
      `SELECT job_type || ' ' || status AS is FROM jobs ORDER BY id`,
    );
    expect(jobs.map(({ is }) => is)).toEqual([
      'work completed',
      ...NAMES.map(() => 'later pending'),
    ]);
    expect(await ground.sql('SELECT FROM workers')).toEqual([]);
    await until('no connection', async () => (await connections(ground)) === 0);
  });

  it('close the pool of a boot that failed', async () => {
    const ground = newGround();
    await expect(
      booted(ground, { names: [undefined, 'mail', 'mail'] }),
    ).rejects.toThrow("registered twice with the name 'mail'");
    await until('no connection', async () => (await connections(ground)) === 0);
  });

  it('run no more transactional jobs at once than their one pool has room for', async () => {
    const ground = newGround();
    let running = 0;
    let most = 0;
    const app: INestApplication = await booted(ground, {
      handler: { transactional: true },
      work: async () => {
        most = Math.max(most, ++running);
        await queueOf(app).enqueue('later', null); // takes another connection
        running--;
      },
    });
    await runEverywhere(app, ground, 6);
    expect(most).toBe(1); // of three, two stay free
  });
});
