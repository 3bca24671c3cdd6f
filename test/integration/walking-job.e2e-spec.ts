import { startKyu } from '../support/start-kyu.js';

describe('a job walks from enqueue to completed', () => {
  it('runs the handler with the payload and stores the result', async () => {
    const payloads: unknown[] = [];
    const kyu = await startKyu({
      handlers: {
        greet: (payload: { name: string }) => {
          payloads.push(payload);
          return `Hello ${payload.name}`;
        },
      },
    });
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('greet', { name: 'Ada' });
    await settled;
    expect(payloads).toEqual([{ name: 'Ada' }]);
    const job = await kyu.queue.inspect(id);
    expect(job).toMatchObject({
      status: 'completed',
      result: 'Hello Ada',
      retryCount: 0,
      lockedBy: null,
    });
    expect(job.history).toHaveLength(1);
  });
});
