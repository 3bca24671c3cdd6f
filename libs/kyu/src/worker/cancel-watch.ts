import { Inject, Injectable } from '@nestjs/common';
import { Cadence } from '../runtime/cadence.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { JobStore } from '../store/job-store.js';
import { Dispatcher } from './dispatcher.js';
import { JobExecutor } from './job-executor.js';

/**
 * A handler learns within a second that its job was cancelled. One look at Postgres serves with Redis and without; it is made only while something
 * runs here, and reads an index that holds nothing else.
 */
const PERIOD_MS = 500;

/** Is responsible for telling running handlers that their job was cancelled, by whatever process. */
@Injectable()
export class CancelWatch {
  private readonly cadence: Cadence<number>;
  /** Its own, and no `@Interval`: @nestjs/schedule ends those before a drain, and what drains can still be cancelled. */
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: JobStore,
    private readonly executor: JobExecutor,
    private readonly dispatcher: Dispatcher,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) logger: KyuLog,
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
    this.timer = setInterval(() => {
      if (this.executor.running > 0) this.cadence.runSoon();
    }, PERIOD_MS);
    this.timer.unref();
  }

  stop(): Promise<void> {
    clearInterval(this.timer);
    return this.cadence.stop();
  }

  private async look(): Promise<number> {
    const requests = await this.store.findCancelRequested(this.worker.id);
    if (requests.length > 0) {
      await this.dispatcher.cancelAhead(requests);
      this.executor.cancel(requests);
    }
    return requests.length;
  }
}
