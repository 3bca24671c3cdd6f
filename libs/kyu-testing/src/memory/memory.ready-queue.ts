import {
  LOOK_IN_POSTGRES,
  ReadyQueue,
  type ReadyJob,
} from '@kyu/nestjs/testing-internals';

/** Is responsible for telling who runs jobs inline that some are committed, for waiting for them, and for knowing whether the application has booted. */
export class MemoryReadyQueue extends ReadyQueue {
  readonly window = 0;
  readonly room = 0;
  /** The application's own handlers are known. */
  isOpen = false;
  /** Resolves when what it started has ended, however. */
  onStaged: (jobs: readonly ReadyJob[]) => Promise<void> = async () =>
    undefined;
  private readonly underWay = new Set<Promise<void>>();

  async open(): Promise<void> {
    this.isOpen = true;
  }

  async stage(jobs: readonly ReadyJob[]): Promise<void> {
    const runs: Promise<void> = this.onStaged(jobs).finally(() =>
      this.underWay.delete(runs),
    );
    this.underWay.add(runs);
  }

  /** Resolves when nothing runs inline: a handler may need what is closed after this. */
  async idle(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
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
