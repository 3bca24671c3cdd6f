import { Injectable } from '@nestjs/common';
import {
  InvalidOptionsError,
  JobHandler,
  JobManager,
  JobPayload,
  KyuModule,
  type Job,
  type JobContext,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { inspect } from 'node:util';
import type { EntityManager } from 'typeorm';
import { createOrders } from '../support/app-database.js';
import { bootApp, newGround } from '../support/boot-app.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL } from '../support/servers.js';
import {
  startKyu,
  type StartOptions,
  type TestKyu,
} from '../support/start-kyu.js';

type Work = (
  manager: EntityManager,
  context: JobContext,
  kyu: TestKyu,
) => unknown;

/** A queue whose `work` jobs do this in their transaction, after an insert of their attempt into `orders`. */
async function start(
  work: Work,
  options: StartOptions['options'] = {},
): Promise<{ kyu: TestKyu; orders: () => Promise<number[]>; table: string }> {
  const kyu = await startKyu({
    options: { backoff: { base: 1, cap: 1 }, ...options },
  });
  const table = await createOrders(kyu);
  kyu.queue.register(
    'work',
    async (_, context) => {
      await context.manager!.query(`INSERT INTO ${table} VALUES ($1)`, [
        context.attempt,
      ]);
      return work(context.manager!, context, kyu);
    },
    { transactional: true },
  );
  const orders = async (): Promise<number[]> =>
    (await kyu.sql<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`)).map(
      ({ id }) => id,
    );
  return { kyu, orders, table };
}

const outcomes = ({ history }: Job): string[] =>
  history.map(({ outcome }) => outcome);

describe('a transactional handler', () => {
  it('commits its writes together with the end of its job', async () => {
    const { kyu, table } = await start(() => ({ charged: true }));
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('work', null);
    expect(await settled).toMatchObject({ id, status: 'completed' });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'completed',
      result: { charged: true },
      lockedBy: null,
    });
    const [row] = await kyu.sql<{ same: boolean }>(
      `SELECT (SELECT xmin::text FROM jobs) = (SELECT xmin::text FROM ${table}) AS same`,
    );
    expect(row!.same).toBe(true);
  });

  it('leaves to its commit the patience that the session has', async () => {
    const { kyu, table } = await start(() => undefined);
    await kyu.sql(
      `CREATE TABLE ${table}_patience (lock_timeout text);
       CREATE FUNCTION "${kyu.schema}".note_patience() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO ${table}_patience VALUES (current_setting('lock_timeout')); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER note AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION "${kyu.schema}".note_patience()`,
    );
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('work', null);
    await settled;
    expect(await kyu.sql(`SELECT lock_timeout FROM ${table}_patience`)).toEqual(
      [{ lock_timeout: '10s' }],
    );
  });

  it('tells of the end after the commit only', async () => {
    const { kyu, orders } = await start(() => undefined);
    const seen = new Promise<number[]>((resolve) => {
      kyu.events.on('job.settled', () => resolve(orders()));
    });
    await kyu.queue.enqueue('work', null);
    expect(await seen).toEqual([1]);
  });

  it('leaves nothing of a run that throws, and is retried as any other', async () => {
    const { kyu, orders } = await start((_, { attempt }) => {
      if (attempt < 3) throw new Error(`no ${attempt}`);
    });
    const id = await kyu.queue.enqueue('work', null);
    await kyu.nextEvent('job.settled', ({ status }) => status === 'completed');
    const job = await kyu.queue.inspect(id);
    expect(outcomes(job)).toEqual(['failed', 'failed', 'completed']);
    expect(job.history[0]!.error).toBe('no 1');
    expect(await orders()).toEqual([3]);
  });

  it('leaves nothing of a run that has lost its job', async () => {
    const gate = new Gate();
    const { kyu, orders } = await start(() => gate.wait());
    const lost = kyu.nextEvent('lease.lost');
    const id = await kyu.queue.enqueue('work', null);
    await until('the handler', () => gate.arrivals === 1);
    // As a rescue and the claim of another worker would.
    await kyu.sql(`UPDATE jobs SET claim_token = 2, locked_by = 'another'`);
    gate.open();
    expect(await lost).toMatchObject({ id, token: 1 });
    expect(await orders()).toEqual([]);
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'running',
      lockedBy: 'another',
    });
  });

  it('ends cancelled, without effect, when that was asked for while it ran', async () => {
    const gate = new Gate();
    const { kyu, orders } = await start(() => gate.wait());
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('work', null);
    await until('the handler', () => gate.arrivals === 1);
    expect(await kyu.queue.cancelJob(id)).toBe('cancelling');
    gate.open();
    expect(await settled).toMatchObject({ id, status: 'cancelled' });
    expect(await orders()).toEqual([]);
  });

  it('cannot write any more when its time is over', async () => {
    const gate = new Gate();
    let late: unknown;
    const { kyu, orders, table } = await start(async (manager) => {
      await gate.wait();
      late = await manager
        .query(`INSERT INTO ${table} VALUES (100)`)
        .catch((error: unknown) => error);
    });
    const id = await kyu.queue.enqueue('work', null, {
      timeout: 100,
      maxRetries: 0,
    });
    await kyu.nextEvent('job.settled', ({ status }) => status === 'dead');
    gate.open();
    await until('the late statement', () => late);
    expect(late).toBeInstanceOf(Error);
    expect(await orders()).toEqual([]);
    expect((await kyu.queue.inspect(id)).errorMessage).toMatch(/timeout/);
  });

  it('ends in the middle of a statement when its time is over', async () => {
    const { kyu, orders } = await start((manager) =>
      manager.query('SELECT pg_sleep(15)'),
    );
    await kyu.queue.enqueue('work', null, { timeout: 100, maxRetries: 0 });
    await kyu.nextEvent('job.settled', ({ status }) => status === 'dead');
    expect(await orders()).toEqual([]);
  });

  it('lets nothing through that follows on what it did not wait for', async () => {
    let late: unknown;
    // Sent while ROLLBACK waits for the statement before it, it would come after that, and commit by itself.
    const { kyu, orders, table } = await start((manager) => {
      void manager
        .query('SELECT pg_sleep(0.3)')
        .then(() => manager.query(`INSERT INTO ${table} VALUES (100)`))
        .catch((error: unknown) => (late = error));
      throw new Error('too soon');
    });
    await kyu.queue.enqueue('work', null, { maxRetries: 0 });
    await kyu.nextEvent('job.settled');
    await until('the late statement', () => late);
    expect(String(late)).toMatch(/Await everything/);
    expect(await orders()).toEqual([]);
  });

  it('waits for whoever holds the row of its job', async () => {
    const gate = new Gate();
    const { kyu, orders } = await start(() => gate.wait());
    const id = await kyu.queue.enqueue('work', null);
    await until('the handler', () => gate.arrivals === 1);
    const settled = kyu.nextEvent('job.settled');
    await kyu.sql('BEGIN');
    await kyu.sql('SELECT FROM jobs FOR UPDATE');
    gate.open();
    await until('the run to wait', async () => {
      const waiting = await kyu.sql(
        'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))',
      );
      return waiting.length > 0;
    });
    await kyu.sql('COMMIT');
    expect(await settled).toMatchObject({ id, status: 'completed' });
    expect(await orders()).toEqual([1]);
  });

  it('lets nothing through that it did not wait for', async () => {
    const gate = new Gate();
    const late: unknown[] = [];
    const { kyu, orders, table } = await start((manager) => {
      void gate.wait().then(async () => {
        for (const text of [`INSERT INTO ${table} VALUES (100)`])
          late.push(await manager.query(text).catch((error: unknown) => error));
        late.push(
          await kyu.queue
            .enqueue('late', null, { manager })
            .catch((error: unknown) => error),
        );
      });
      throw new Error('too soon');
    });
    const id = await kyu.queue.enqueue('work', null, { maxRetries: 0 });
    await kyu.nextEvent('job.settled');
    gate.open();
    await until('the late statements', () => late.length === 2);
    expect(late).toEqual([expect.any(Error), expect.any(Error)]);
    expect(await orders()).toEqual([]);
    expect(await kyu.sql('SELECT id FROM jobs')).toEqual([{ id }]);
  });

  it('commits the jobs that it enqueues by its manager, or none of them', async () => {
    const { kyu } = await start(async (manager, { attempt }) => {
      await kyu.queue.enqueue('next', attempt, { manager });
      if (attempt === 1) throw new Error('once');
    });
    const ran: unknown[] = [];
    kyu.queue.register('next', (payload) => void ran.push(payload));
    await kyu.queue.enqueue('work', null);
    await kyu.nextEvent(
      'job.settled',
      ({ jobType, status }) => jobType === 'next' && status === 'completed',
    );
    expect(ran).toEqual([2]);
    expect(
      await kyu.sql(`SELECT id FROM jobs WHERE job_type = 'next'`),
    ).toHaveLength(1);
  });

  it('fails, and says why, when it swallowed the error of a statement', async () => {
    const { kyu, orders } = await start(async (manager) => {
      await manager.query('SELECT 1 / 0').catch(() => undefined);
    });
    const id = await kyu.queue.enqueue('work', null, { maxRetries: 0 });
    await kyu.nextEvent('job.settled', ({ status }) => status === 'dead');
    expect((await kyu.queue.inspect(id)).errorMessage).toMatch(
      /error was caught.*manager\.transaction/,
    );
    expect(await orders()).toEqual([]);
  });

  it('fails when COMMIT fails', async () => {
    const { kyu, orders, table } = await start((manager) =>
      manager.query(`INSERT INTO ${table} VALUES (7, 8)`),
    );
    const id = await kyu.queue.enqueue('work', null, { maxRetries: 0 });
    await kyu.nextEvent('job.settled', ({ status }) => status === 'dead');
    expect((await kyu.queue.inspect(id)).errorMessage).toMatch(/foreign key/);
    expect(await orders()).toEqual([]);
  });

  it('fails when a nested transaction is still open at its end', async () => {
    const gate = new Gate();
    const { kyu, orders } = await start(async (manager) => {
      let begun = false;
      void manager
        .transaction(async () => {
          begun = true;
          await gate.wait();
        })
        .catch(() => undefined);
      await until('the nested transaction', () => begun);
    });
    await kyu.queue.enqueue('work', null, { maxRetries: 0 });
    await kyu.nextEvent('job.settled', ({ status }) => status === 'dead');
    gate.open();
    expect(await orders()).toEqual([]);
  });

  it('leaves connections for everything else, however many run', async () => {
    const { kyu, orders } = await start(
      (_, { attempt }) => kyu.queue.enqueue('other', attempt),
      { workers: 10, postgres: { maxConnections: 3 } },
    );
    kyu.queue.register('other', () => undefined);
    await kyu.sql('ALTER TABLE jobs ALTER COLUMN id SET NOT NULL'); // it is there
    await kyu.sql(
      `ALTER TABLE "${kyu.schema}".orders DROP CONSTRAINT orders_pkey CASCADE`,
    );
    await kyu.queue.enqueueMany(
      Array.from({ length: 12 }, () => ({ type: 'work', payload: null })),
    );
    await until('all of them', async () => {
      const [row] = await kyu.sql<{ done: string }>(
        `SELECT count(*) AS done FROM jobs WHERE status = 'completed'`,
      );
      return Number(row!.done) === 24;
    });
    expect(await orders()).toHaveLength(12);
  });

  it('shows its manager to the handler only, not to who prints the context', async () => {
    let shown = '';
    const { kyu } = await start((_, context) => {
      shown = inspect(context, { depth: 4 }) + JSON.stringify(context);
    });
    await kyu.queue.enqueue('work', null);
    await kyu.nextEvent('job.settled');
    expect(shown).toContain('work');
    expect(shown).not.toMatch(/manager|postgres/);
  });

  it.each([
    ['the answer to COMMIT is lost', 'deaf', [1], ['completed']],
    ['COMMIT itself is lost', 'blackhole', [2], ['failed', 'completed']],
  ] as const)('has one effect when %s', async (_, fault, effects, ends) => {
    let armed = false;
    const proxy = await FaultProxy.open(POSTGRES_URL, {
      tap: (chunk) => {
        if (!armed || !chunk.includes('COMMIT\0')) return;
        armed = false;
        proxy.set(fault);
        setTimeout(() => {
          proxy.set('none');
          proxy.resetAll();
        }, 300);
      },
    });
    try {
      let runs = 0;
      const { kyu, orders } = await start(
        () => {
          runs++;
          armed = runs === 1;
        },
        { postgres: { url: proxy.url } },
      );
      const id = await kyu.queue.enqueue('work', null);
      await kyu.nextEvent(
        'job.settled',
        ({ status }) => status === 'completed',
      );
      expect(runs).toBe(ends.length);
      expect(await orders()).toEqual(effects);
      expect(outcomes(await kyu.queue.inspect(id))).toEqual(ends);
      await kyu.close();
    } finally {
      await proxy.close();
    }
  });
});

@Injectable()
class Charging {
  seen: unknown;

  @JobHandler('charge', { transactional: true })
  async charge(
    @JobPayload() order: number,
    @JobManager() manager: EntityManager,
  ): Promise<void> {
    this.seen = await manager.query('SELECT $1::int AS charged', [order]);
  }
}

@Injectable()
class Forgetful {
  @JobHandler('charge')
  charge(@JobManager() manager: EntityManager): unknown {
    return manager.query('SELECT 1');
  }
}

describe('@JobManager()', () => {
  it('hands the manager to a parameter', async () => {
    const ground = newGround();
    const app = await bootApp({
      imports: [KyuModule.forRoot(ground.options())],
      providers: [Charging],
    });
    const { runJob } = await import('../support/run-job.js');
    expect(await runJob(app, 'charge', 7)).toMatchObject({
      status: 'completed',
    });
    expect(app.get(Charging).seen).toEqual([{ charged: 7 }]);
  });

  it('is refused at boot on a handler without a transaction', async () => {
    const ground = newGround();
    const boot = bootApp({
      imports: [KyuModule.forRoot(ground.options())],
      providers: [Forgetful],
    });
    await expect(boot).rejects.toThrow(InvalidOptionsError);
    await expect(boot).rejects.toThrow(/transactional: true/);
  });
});
