import type { INestApplicationContext } from '@nestjs/common';
import {
  KyuEvents,
  QueueService,
  type EnqueueOptions,
  type Job,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';

/** Enqueues a job, waits for the end of its first run and returns the row. */
export async function runJob(
  app: INestApplicationContext,
  type: string,
  payload: unknown = null,
  options: EnqueueOptions = {},
): Promise<Job> {
  const queue = app.get(QueueService);
  // Subscribed before the id is known: the run may end before enqueue() returns it.
  const ended = new Set<string>();
  const stop = app.get(KyuEvents).on('job.settled', ({ id }) => ended.add(id));
  try {
    const id = await queue.enqueue(type, payload, options);
    await until(`the first run of job "${type}"`, () => ended.has(id));
    return await queue.inspect(id);
  } finally {
    stop();
  }
}
