import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents, type KyuEventMap } from '../events/kyu-events.js';
import { inOneLine } from '../runtime/error-chain.js';
import { jobsOf, type KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { formatMs } from './format-ms.js';

/** The whole error is in the job's history. */
const MAX_ERROR_LENGTH = 500;

/**
 * Is responsible for the lines about jobs that did not do what they should: a warning for each
 * failed run and each rescue, an error for each death. At most ten a minute for each type, then one
 * with the count of the others.
 */
@Injectable()
export class JobLog {
  private stops: (() => void)[] = [];

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly events: KyuEvents,
    @Inject(KyuLogger) private readonly log: KyuLog,
  ) {}

  start(): void {
    this.stops.push(
      this.events.on('job.settled', (event) => {
        if (event.status === 'failed') this.failed(event);
        else if (event.status === 'dead') this.died(event);
      }),
      this.events.on('job.rescued', (event) => this.rescued(event)),
      this.events.on('lease.lost', (event) => this.leaseLost(event)),
    );
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private failed(event: KyuEventMap['job.settled']): void {
    const { retryInMs } = event;
    const next =
      retryInMs === undefined ? '' : `, again in ${formatMs(retryInMs)}`;
    this.log.limited(
      'warn',
      jobsOf(event.jobType),
      'failed runs',
      () =>
        `${this.nameOf(event)} failed (${attemptOf(event)}${next}): ${errorOf(event)}`,
    );
  }

  private died(event: KyuEventMap['job.settled']): void {
    this.log.limited(
      'error',
      jobsOf(event.jobType),
      'deaths',
      () =>
        `${this.nameOf(event)} is dead (${attemptOf(event)}): ${errorOf(event)}`,
    );
  }

  private rescued(event: KyuEventMap['job.rescued']): void {
    const { jobType, status, worker } = event;
    const name = this.nameOf(event);
    if (status === 'dead')
      this.log.limited(
        'error',
        jobsOf(jobType),
        'deaths',
        () =>
          `${name} is dead: worker ${worker} was lost while it ran this job, and this job has cost as many workers as maxCrashes (${this.config.maxCrashes}) allows.`,
      );
    else
      this.log.limited(
        'warn',
        jobsOf(jobType),
        'jobs taken back from lost workers',
        () =>
          `${name} was taken back from worker ${worker}, which is lost or hangs; it is ${status} now.`,
      );
  }

  private leaseLost(event: KyuEventMap['lease.lost']): void {
    this.log.limited(
      'warn',
      jobsOf(event.jobType),
      'outcomes that were refused',
      () =>
        `${this.nameOf(event)} was taken from this worker; what this worker did with it has no outcome (run ${event.token}).`,
    );
  }

  private nameOf({ id, jobType }: { id: string; jobType: string }): string {
    return `Job ${id} (${jobType}) of ${this.config.queueName}`;
  }
}

/** `attempt 1 of 4` */
const attemptOf = ({
  attempt = 1,
  maxRetries = 0,
}: KyuEventMap['job.settled']): string =>
  `attempt ${attempt} of ${maxRetries + 1}`;

const errorOf = ({ error }: KyuEventMap['job.settled']): string => {
  if (error === undefined)
    return 'its outcome could not be stored; error_message has the reason';
  const line = inOneLine(error);
  return line.length > MAX_ERROR_LENGTH
    ? `${line.slice(0, MAX_ERROR_LENGTH)}…`
    : line;
};
