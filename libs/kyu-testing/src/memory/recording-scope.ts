import { JobScope } from '@kyu/nestjs/testing-internals';

/** Keeps what handlers threw: a job only knows its message, and a test wants the error itself. */
export class RecordingScope extends JobScope {
  private readonly thrown = new Map<string, unknown>();

  override async run(
    ...[run, handler, payload]: Parameters<JobScope['run']>
  ): Promise<unknown> {
    try {
      return await super.run(run, handler, payload);
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
