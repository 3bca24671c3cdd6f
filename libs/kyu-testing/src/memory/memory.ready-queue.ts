import {
  LOOK_IN_POSTGRES,
  ReadyQueue,
  type ReadyJob,
} from '@kyu/nestjs/testing-internals';

/** Is responsible for telling who runs jobs inline that some are committed, and whether the application has booted. */
export class MemoryReadyQueue extends ReadyQueue {
  readonly window = 0;
  readonly room = 0;
  /** The application's own handlers are known. */
  isOpen = false;
  onStaged: (ids: readonly string[]) => void = () => undefined;

  async open(): Promise<void> {
    this.isOpen = true;
  }

  async stage(jobs: readonly ReadyJob[]): Promise<void> {
    this.onStaged(jobs.map(({ id }) => id));
  }

  async refill(): Promise<boolean> {
    return false;
  }

  async pop(): Promise<typeof LOOK_IN_POSTGRES> {
    return LOOK_IN_POSTGRES;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }
}
