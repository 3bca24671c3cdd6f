import { until } from '@kyu/testing';
import { Gate } from '../support/gate.js';
import { startKyu } from '../support/start-kyu.js';

/** Defects of the original, by their numbers: how a run ends and what is told of it. Number 18 (overflow) and 20 (port 0) are unit tests beside their files. */

it('defect 2: completions were never saved by the worker loop', async () => {
  const kyu = await startKyu({ handlers: { work: () => undefined } });
  const settled = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', null);
  await settled;
  const [row] = await kyu.sql(
    `SELECT status, completed_at, locked_by FROM jobs WHERE id = $1`,
    [id],
  );
  expect(row).toEqual({
    status: 'completed',
    completed_at: expect.any(Date),
    locked_by: null,
  });
});

it('defect 15: runOnce ignored the timeout and never ended when the head was not due', async () => {
  const kyu = await startKyu({
    options: { mode: 'producer' },
    handlers: { hang: () => new Promise(() => undefined) },
  });
  const hanging = await kyu.queue.enqueue('hang', null, {
    timeout: 50,
    maxRetries: 0,
  });
  const later = await kyu.queue.enqueue('hang', null, {
    scheduledAt: new Date(Date.now() + 3_600_000),
  });
  expect(await kyu.queue.runOnce()).toEqual({
    claimed: 1,
    completed: 0,
    failed: 0,
    dead: 1,
  });
  expect(await kyu.queue.inspect(hanging)).toMatchObject({
    status: 'dead',
    errorMessage: expect.stringContaining('timeout of 50 ms'),
  });
  expect((await kyu.queue.inspect(later)).status).toBe('scheduled');
});

it('defect 17: a stop cancelled every running handler, and jobs without retries died', async () => {
  const gate = new Gate();
  let aborted: boolean | undefined;
  const kyu = await startKyu({
    handlers: {
      work: async (_: unknown, { signal }: { signal: AbortSignal }) => {
        await gate.wait();
        aborted = signal.aborted;
      },
    },
  });
  const id = await kyu.queue.enqueue('work', null, { maxRetries: 0 });
  await until('the handler to run', () => gate.arrivals);
  const closed = kyu.close();
  await until('the stop to wait for it', () =>
    kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
  );
  gate.open();
  await closed;
  expect(aborted).toBe(false);
  const [row] = await kyu.sql(
    `SELECT status, retry_count FROM jobs WHERE id = $1`,
    [id],
  );
  expect(row).toEqual({ status: 'completed', retry_count: 0 });
});

it('defect 19: use() and register() raced with running workers', async () => {
  const gate = new Gate();
  const seen: string[] = [];
  const kyu = await startKyu({
    handlers: {
      work: async () => {
        await gate.wait();
        seen.push('old');
      },
    },
  });
  const first = kyu.nextEvent('job.settled');
  await kyu.queue.enqueue('work', null);
  await until('the first to run', () => gate.arrivals);
  kyu.queue.use({
    intercept: (_, next) => {
      seen.push('interceptor');
      return next.handle();
    },
  });
  kyu.queue.register('work', () => {
    seen.push('new');
  });
  gate.open();
  await first;
  expect(seen).toEqual(['old']); // what had begun was not changed
  const second = kyu.nextEvent('job.settled');
  await kyu.queue.enqueue('work', null);
  await second;
  expect(seen).toEqual(['old', 'interceptor', 'new']);
});

it('defect 22: error text was stored raw and unbounded', async () => {
  const kyu = await startKyu({
    handlers: {
      work: () => {
        throw new Error(
          `NUL \0, half a pair \ud800, and ${'long '.repeat(2_000_000)}`,
        );
      },
    },
  });
  const dead = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', null, { maxRetries: 0 });
  expect((await dead).status).toBe('dead');
  const { errorMessage, history } = await kyu.queue.inspect(id);
  expect(errorMessage).toMatch(/^NUL \uFFFD, half a pair \uFFFD, and long /);
  expect(Buffer.byteLength(errorMessage!)).toBeLessThanOrEqual(8 * 1024);
  expect(Buffer.byteLength(history[0]!.stack!)).toBeLessThanOrEqual(16 * 1024);
});

it('defect 24: metrics counted events that had not been saved', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    handlers: { work: () => gate.wait(), next: () => undefined },
    options: { workers: 2 },
  });
  const address = await kyu.app.listen(0).then(() => kyu.app.getUrl());
  const id = await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  // Somebody takes the job away while it runs: its completion will be refused.
  await kyu.sql(`UPDATE jobs SET claim_token = claim_token + 1 WHERE id = $1`, [
    id,
  ]);
  const lost = kyu.nextEvent('lease.lost');
  gate.open();
  await lost;
  const metrics = await fetch(`${address}/metrics`).then((response) =>
    response.text(),
  );
  expect(metrics).toMatch(/^kyu_leases_lost_total 1$/m);
  expect(metrics).toMatch(
    /^kyu_jobs_processed_total\{status="completed"\} 0$/m,
  );
  expect((await kyu.queue.inspect(id)).status).toBe('running');
});
