import type { JobContext } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Gate } from '../support/gate.js';
import { startKyu } from '../support/start-kyu.js';

describe.each([
  ['with Redis', {}],
  ['without Redis', { redis: false }],
] as const)('a graceful stop, %s', (_, options) => {
  it('lets running handlers finish, aborts none, and claims no new jobs', async () => {
    const gate = new Gate();
    let aborted = false;
    const kyu = await startKyu({
      options,
      handlers: {
        slow: async (_payload: unknown, { signal }: JobContext) => {
          signal.addEventListener('abort', () => (aborted = true));
          await gate.wait();
          return 'finished';
        },
        other: () => undefined,
      },
    });
    const id = await kyu.queue.enqueue('slow', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = kyu.close();
    await until('the stop to wait', () =>
      kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
    );
    const late = await kyu.queue.enqueue('other', null);
    gate.open();
    await closed;
    const [slow] = await kyu.sql('SELECT * FROM jobs WHERE id = $1', [id]);
    expect(slow).toMatchObject({ status: 'completed', result: 'finished' });
    expect(aborted).toBe(false);
    const [other] = await kyu.sql('SELECT * FROM jobs WHERE id = $1', [late]);
    expect(other).toMatchObject({ status: 'pending', claim_token: 0 });
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });

  it('lets a handler enqueue while it drains', async () => {
    const gate = new Gate();
    const kyu = await startKyu({
      options,
      handlers: {
        parent: async () => {
          await gate.wait();
          return kyu.queue.enqueue('child', 'born late');
        },
      },
    });
    const id = await kyu.queue.enqueue('parent', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = kyu.close();
    gate.open();
    await closed;
    const [parent] = await kyu.sql<{ result: string }>(
      `SELECT * FROM jobs WHERE id = $1 AND status = 'completed'`,
      [id],
    );
    const children = await kyu.sql(
      `SELECT id, status, payload FROM jobs WHERE job_type = 'child'`,
    );
    expect(children).toEqual([
      { id: parent!.result, status: 'pending', payload: 'born late' },
    ]);
  });

  it('gives back what overruns drainTimeout: signal aborted, no attempt used, late result refused', async () => {
    const gate = new Gate();
    let reason: unknown;
    const kyu = await startKyu({
      options: { ...options, drainTimeout: 50 },
      handlers: {
        slow: async (_payload: unknown, { signal }: JobContext) => {
          signal.addEventListener('abort', () => (reason = signal.reason));
          await gate.wait();
          return 'too late';
        },
      },
    });
    const released = kyu.nextEvent('job.released');
    const id = await kyu.queue.enqueue('slow', null);
    await until('the handler to run', () => gate.arrivals === 1);
    await kyu.close();
    expect((await released).id).toBe(id);
    expect(String(reason)).toContain('given back');
    gate.open(); // the handler returns now
    await new Promise(setImmediate);
    const [job] = await kyu.sql('SELECT * FROM jobs WHERE id = $1', [id]);
    expect(job).toMatchObject({
      status: 'pending',
      retry_count: 0,
      crash_count: 0,
      locked_by: null,
      result: null,
      history: [expect.objectContaining({ outcome: 'released', token: 1 })],
    });
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
    expect(kyu.logger.messages('warn').join()).toContain('1 job(s) did not');
  });

  it('hands over at once: another worker runs what was given back, with a new token', async () => {
    const gate = new Gate();
    const tokens: number[] = [];
    const first = await startKyu({
      options: { ...options, drainTimeout: 20 },
      handlers: { job: () => gate.wait() },
    });
    const id = await first.queue.enqueue('job', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const second = await startKyu({
      beside: first,
      options,
      handlers: {
        job: (_payload: unknown, { token, attempt }: JobContext) =>
          void tokens.push(token, attempt),
      },
    });
    const settled = second.nextEvent('job.settled');
    await first.close();
    expect((await settled).id).toBe(id);
    expect(tokens).toEqual([2, 1]);
    gate.open();
  });
});

describe('during a long drain', () => {
  it('the worker keeps its heartbeat, so that nobody takes its jobs', async () => {
    const gate = new Gate();
    const timing = { heartbeatInterval: 250, heartbeatTimeout: 1_000 };
    let runs = 0;
    const handlers = {
      job: () => {
        runs++;
        return gate.wait();
      },
    };
    const draining = await startKyu({ options: timing, handlers });
    const id = await draining.queue.enqueue('job', null);
    await until('the handler to run', () => runs === 1);
    const other = await startKyu({
      beside: draining,
      options: timing,
      handlers,
    });
    const closed = draining.close();
    // The other worker looks for lost ones twice a timeout. Long enough for a silent one to be found, with three heartbeats' room.
    const silentFor = `extract(epoch FROM now() - locked_at) > 2.5`;
    await until('the drain to outlast heartbeatTimeout', async () => {
      const [row] = await other.sql(
        `SELECT ${silentFor} AS long, status FROM jobs WHERE id = $1`,
        [id],
      );
      return row!.long || runs > 1 || row!.status !== 'running';
    });
    gate.open();
    await closed;
    expect(runs).toBe(1);
    const [job] = await other.sql('SELECT * FROM jobs WHERE id = $1', [id]);
    expect(job).toMatchObject({ status: 'completed', crash_count: 0 });
  });

  it('a running job can be cancelled: its signal aborts within a second', async () => {
    const gate = new Gate();
    let reason: unknown;
    const kyu = await startKyu({
      handlers: {
        job: async (_payload: unknown, { signal }: JobContext) => {
          signal.addEventListener('abort', () => (reason = signal.reason));
          await gate.wait();
        },
      },
    });
    const id = await kyu.queue.enqueue('job', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = kyu.close();
    await until('the stop to wait', () =>
      kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
    );
    try {
      expect(await kyu.queue.cancelJob(id)).toBe('cancelling');
      await until('the signal to abort', () => reason, 2_000);
    } finally {
      gate.open();
      await closed;
    }
    const [job] = await kyu.sql('SELECT status FROM jobs WHERE id = $1', [id]);
    expect(job!.status).toBe('cancelled');
  });
});
