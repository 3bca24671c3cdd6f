import { Inject, Injectable } from '@nestjs/common';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import type { ClaimedJob } from '../store/job-store.js';
import { JobExecutor } from './job-executor.js';
import { StrayWatch } from './stray-watch.js';

/** Is responsible for what this worker owns and does not run: what it claimed for nothing, and what it owns without knowing. */
@Injectable()
export class GiveBack {
  readonly strays = new StrayWatch();

  constructor(
    private readonly executor: JobExecutor,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** Never rejects: what cannot be given back now is looked for later. */
  async claimed(jobs: readonly ClaimedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    try {
      const released = await this.executor.release(jobs);
      // Taken back by others, or somebody holds their rows: then they would be ours without our knowing.
      if (released < jobs.length) this.strays.expect();
    } catch (error) {
      this.strays.expect();
      this.logger.failed(
        'warn',
        'claimed jobs',
        error,
        () => `${jobs.length} claimed job(s) could not be given back yet`,
      );
    }
  }

  /** What is ours without our knowing: all but what runs, and these. @throws what Postgres says */
  async unknown(known: readonly string[]): Promise<void> {
    this.strays.looked();
    await this.executor.releaseStrays(known);
  }
}
