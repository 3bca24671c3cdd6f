import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Cadence } from '../runtime/cadence.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { JobStore } from '../store/job-store.js';
import { JobExecutor } from './job-executor.js';

/**
 * A handler learns within a second that its job was cancelled. One look at Postgres serves with Redis and without; it is made only while something
 * runs here, and reads the few rows of this worker in the index of running jobs.
 */
const PERIOD_MS = 500;
const TICK_MS = 250;

/** Is responsible for telling running handlers that their job was cancelled, by whatever process. */
@Injectable()
export class CancelWatch {
  private readonly cadence: Cadence<number>;

  constructor(
    private readonly store: JobStore,
    private readonly executor: JobExecutor,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) logger: LoggerService,
  ) {
    this.cadence = new Cadence(
      'Looking for cancelled jobs',
      PERIOD_MS,
      () => this.look(),
      logger,
    );
  }

  start(): void {
    this.cadence.start();
  }

  @Interval(TICK_MS)
  tick(): void {
    if (this.executor.running > 0) this.cadence.tick();
  }

  stop(): Promise<void> {
    return this.cadence.stop();
  }

  private async look(): Promise<number> {
    const requests = await this.store.findCancelRequested(this.worker.id);
    if (requests.length > 0) this.executor.cancel(requests);
    return requests.length;
  }
}
