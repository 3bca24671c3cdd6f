import { AsyncLocalStorage } from 'node:async_hooks';
import {
  JobScope,
  type JobTracer,
  type KyuConfig,
  type NewJob,
} from '@kyu/nestjs/testing-internals';
import type { MemoryTable } from './memory-table.js';

/** Is responsible for what only a handler around it can tell: what it threw, of which its job knows the message, and by which clock it asks for a time. */
export class RecordingScope extends JobScope {
  private readonly thrown = new Map<string, unknown>();
  private readonly inHandler = new AsyncLocalStorage<true>();

  constructor(
    config: KyuConfig,
    tracer: JobTracer,
    private readonly table: MemoryTable,
  ) {
    super(config, tracer);
  }

  /** A handler has the clock of the process. What it wants in an hour would be due at once by a table that was moved ahead, and again, for ever. */
  override enqueue<T>(
    jobs: readonly NewJob[],
    store: () => Promise<T>,
  ): Promise<T> {
    if (this.inHandler.getStore())
      for (const job of jobs)
        if (job.scheduledAt)
          job.scheduledAt = this.table.fromProcessTime(job.scheduledAt);
    return super.enqueue(jobs, store);
  }

  override async run(
    ...[run, handler, payload]: Parameters<JobScope['run']>
  ): Promise<unknown> {
    try {
      return await this.inHandler.run(true, () =>
        super.run(run, handler, payload),
      );
    } catch (error) {
      this.thrown.set(run.context.id, error);
      throw error;
    }
  }

  /** What the last run of the job threw. */
  takeError(id: string): unknown {
    const error = this.thrown.get(id);
    this.thrown.delete(id);
    return error;
  }
}
