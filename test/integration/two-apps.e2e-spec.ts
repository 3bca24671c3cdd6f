import { Injectable } from '@nestjs/common';
import { JobHandler, KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { newGround, bootApp } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('two applications in one process', () => {
  it('with different queues share tables and see nothing of each other', async () => {
    const runs: string[] = [];
    const handlers = (name: string) => ({
      job: () => void runs.push(name),
      [`only.${name}`]: () => void runs.push(name),
    });
    const a = await startKyu({ handlers: handlers('a') });
    const b = await startKyu({
      beside: { schema: a.schema, queueName: `${a.queueName}-b` },
      handlers: handlers('b'),
    });
    const eventsOfB: unknown[] = [];
    b.events.on('job.enqueued', (event) => eventsOfB.push(event));
    b.events.on('job.settled', (event) => eventsOfB.push(event));

    const job = await runJob(a.app, 'job');
    expect(runs).toEqual(['a']);
    expect(eventsOfB).toEqual([]);
    await expect(b.queue.inspect(job.id)).rejects.toMatchObject({
      code: 'KYU_JOB_NOT_FOUND',
    });
    await expect(b.queue.cancelJob(job.id)).rejects.toMatchObject({
      code: 'KYU_JOB_NOT_FOUND',
    });

    const rows = await a.sql<{ queue: string }>('SELECT queue FROM workers');
    expect(rows.map(({ queue }) => queue).toSorted()).toEqual(
      [a.queueName, b.queueName].toSorted(),
    );
    // What both find in Postgres by themselves: the safety look, the promotion, the refill.
    const due = new Date(Date.now() + 50);
    await a.queue.enqueue('only.b', null, { scheduledAt: due });
    await runJob(b.app, 'only.b', null, { scheduledAt: due });
    const waiting = await a.sql(
      `SELECT queue FROM jobs WHERE status IN ('pending', 'scheduled')`,
    );
    expect(waiting).toEqual([{ queue: a.queueName }]);
    expect(runs).toEqual(['a', 'b']);
  });

  it('close one by one: the other works on', async () => {
    const a = await startKyu({ handlers: { job: () => 'a' } });
    const b = await startKyu({ handlers: { job: () => 'b' } });
    await a.close();
    expect((await runJob(b.app, 'job')).result).toBe('b');
  });

  it('with one queue share its jobs, and each event comes once, where the job ran', async () => {
    const a = await startKyu({
      handlers: { job: () => 'done' },
      options: { workers: 1 },
    });
    const b = await startKyu({
      beside: a,
      handlers: { job: () => 'done' },
      options: { workers: 1 },
    });
    const settled: string[] = [];
    for (const { events } of [a, b])
      events.on('job.settled', ({ id }) => settled.push(id));
    const ids = await a.queue.enqueueMany(
      Array.from({ length: 40 }, () => ({ type: 'job', payload: null })),
    );
    await until('all to end', () => settled.length >= ids.length);
    expect(settled.toSorted()).toEqual(ids.toSorted());
  });

  it('of one module class keep their own handlers', async () => {
    @Injectable()
    class Jobs {
      @JobHandler('job')
      run(): string {
        return 'decorated';
      }
    }
    const boot = () =>
      bootApp({
        imports: [KyuModule.forRoot(newGround().options())],
        providers: [Jobs],
      });
    const [a, b] = [await boot(), await boot()];
    a.get(QueueService).register('job', () => 'replaced');
    expect((await runJob(a, 'job')).result).toBe('replaced');
    expect((await runJob(b, 'job')).result).toBe('decorated');
  });
});

describe('the mode', () => {
  const env = process.env.KYU_MODE;
  afterEach(() => {
    if (env === undefined) delete process.env.KYU_MODE;
    else process.env.KYU_MODE = env;
  });

  it("'producer' runs nothing and is in no registry; a worker runs its jobs", async () => {
    const producer = await startKyu({
      options: { mode: 'producer' },
      handlers: { job: () => 'producer' },
    });
    expect(await producer.sql('SELECT FROM workers')).toEqual([]);
    const id = await producer.queue.enqueue('job', null);
    const worker = await startKyu({
      beside: producer,
      options: { mode: 'worker' },
      handlers: { job: () => 'worker' },
    });
    await until('the job to end', async () => {
      const job = await producer.queue.inspect(id);
      return job.status === 'completed' && job.result === 'worker';
    });
    expect(await producer.sql('SELECT FROM workers')).toHaveLength(1);
    expect((await runJob(worker.app, 'job')).result).toBe('worker');
  });

  it('comes from KYU_MODE, behind the option', async () => {
    process.env.KYU_MODE = 'producer';
    const byEnvironment = await startKyu();
    expect(await byEnvironment.sql('SELECT FROM workers')).toEqual([]);
    const byOption = await startKyu({ options: { mode: 'both' } });
    expect(await byOption.sql('SELECT FROM workers')).toHaveLength(1);
  });

  it('that is unknown stops the boot, from KYU_MODE as well', async () => {
    process.env.KYU_MODE = 'wroker';
    const boot = bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
    });
    await expect(boot).rejects.toThrow(/KYU_MODE to be one of 'both'/);
  });
});
