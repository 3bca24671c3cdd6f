import type { LoggerService } from '@nestjs/common';
import type { JobReader } from '../store/job-reader.js';

/** Between two looks at refused ids. A refused id is ordinary, and each look costs a statement. */
const LOOK_PERIOD_MS = 10_000;

/**
 * Is responsible for the warning that ids come out of Redis which the tables do not know. They do
 * no harm, for a claim refuses them, but the program that writes them should be found. Logged once.
 */
export class UnknownIdWatch {
  private nextLook = 0;
  private said = false;

  constructor(
    private readonly reader: JobReader,
    private readonly queueName: string,
    private readonly logger: LoggerService,
  ) {}

  /** Looks whether some of the refused ids are of no job, if a look is due. Never rejects. */
  async lookAt(ids: readonly string[]): Promise<void> {
    const now = performance.now();
    if (this.said || now < this.nextLook) return;
    this.nextLook = now + LOOK_PERIOD_MS;
    const unknown = await this.reader.countUnknown(ids).catch(() => 0);
    if (unknown > 0) this.found();
  }

  /** Something was popped that is of no job. */
  found(): void {
    if (this.said) return;
    this.said = true;
    this.logger.warn(
      `The key "${this.queueName}" in Redis holds ids of no job in these tables. They are ignored. Another program writes to that key, or rows were deleted by hand; give each application and environment on one Redis a queueName of its own.`,
    );
  }
}
