import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { JobScope } from '../context/job-scope.js';
import { JobCancelledError, LeaseExpiredError } from '../errors/run.errors.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { encodeResult } from '../job/json-limits.js';
import { ReadyQueue } from '../ready-queue/ready-queue.js';
import { Coalescer } from '../runtime/coalescer.js';
import { DueAlarm } from '../runtime/due-alarm.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { LateTimers } from '../runtime/late-timers.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import {
  JobStore,
  type ClaimedJob,
  type ReleasedJob,
} from '../store/job-store.js';
import type { Outcome, Run as StoreRun } from '../store/settlement.js';
import { decideFailure } from './decide-outcome.js';
import { fenceMarginMs } from './fence-margin.js';
import { insist } from './insist.js';
import { JobRun } from './job-run.js';
import { MAX_COALESCED, Settler, type RunEnd } from './settler.js';
import { TransactionalRunner } from './transactional-runner.js';

/**
 * A job whose claim was sent longer ago than this is looked at once more before its handler begins: one statement for all that begin then. As long as the
 * work that is claimed ahead, so that quick handlers are held up by no question; and sooner than anybody could take the job away.
 */
const FRESH_MS = 50;

/** Is responsible for a claimed job until its end is stored. The only caller of handlers. */
@Injectable()
export class JobExecutor {
  private readonly runs = new Set<JobRun>();
  private readonly timers = new LateTimers();
  private readonly starts = new Coalescer<ClaimedJob, boolean>(
    async (jobs) => {
      const may = await this.store.mayStart(this.worker.id, jobs);
      return jobs.map(({ id }) => may.has(id));
    },
    { maxBatch: MAX_COALESCED, splitOn: () => false },
  );

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly scope: JobScope,
    private readonly store: JobStore,
    private readonly settler: Settler,
    private readonly transactional: TransactionalRunner,
    private readonly readyQueue: ReadyQueue,
    private readonly alarm: DueAlarm,
    private readonly events: KyuEvents,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** How many jobs run now. */
  get running(): number {
    return this.runs.size;
  }

  get runningJobs(): readonly ClaimedJob[] {
    return [...this.runs].map(({ job }) => job);
  }

  /**
   * Runs the job and stores how it ended. Never rejects.
   *
   * @param onReturn called when the handler is done and only the outcome is left to store: the slot is free. With the milliseconds that the handler took, if it
   * was called: what was asked before it begins says nothing of it.
   */
  async execute(
    job: ClaimedJob,
    onReturn: (handlerMs?: number) => void = () => undefined,
  ): Promise<RunEnd> {
    const run = new JobRun(
      job,
      this.config.queueName,
      this.worker.id,
      this.timers,
    );
    this.runs.add(run);
    try {
      if (!isFresh(run) && !(await this.mayStart(run))) {
        onReturn();
        return await this.giveBack(run);
      }
      const begunAt = performance.now();
      const call = (): Promise<Outcome> => this.callHandler(run);
      const outcome = this.handlers.isTransactional(job.jobType)
        ? await this.transactional.run(run, call)
        : await call();
      run.returned = true;
      onReturn(performance.now() - begunAt);
      // What could not begin, or failed because this worker lost touch, is no failure of the job: it goes back, if nobody has taken it yet.
      if (
        !outcome ||
        (outcome.status !== 'completed' &&
          run.aborted instanceof LeaseExpiredError)
      )
        return await this.giveBack(run);
      const { durationMs } = run;
      const end = await this.settler.settle(run, outcome);
      this.announce(run, durationMs, outcome, end);
      return end;
    } finally {
      this.runs.delete(run);
    }
  }

  /** Aborts the signals of the runs that should stop. They still settle; the store makes `cancelled` of it. */
  cancel(requests: readonly StoreRun[]): void {
    const tokens = new Map(requests.map(({ id, token }) => [id, token]));
    for (const run of this.runs)
      if (tokens.get(run.job.id) === run.job.token)
        run.abort(new JobCancelledError());
  }

  /** Aborts the signals of all runs: this worker may no longer own their jobs. What they still settle is fenced by the token. */
  abortAll(reason: Error): number {
    for (const run of this.runs) run.abort(reason);
    return this.runs.size;
  }

  /** Aborts the signals of all runs and gives their jobs back; returns how many were still ours. */
  async releaseAll(reason: Error): Promise<number> {
    const runs = [...this.runs].filter(({ released }) => !released);
    for (const run of runs) run.release(reason);
    // One whose handler has returned would run a second time: its outcome is being stored, or is lost with Postgres out of reach.
    const unfinished = runs.filter(({ returned }) => !returned);
    return this.release(unfinished.map(({ job }) => job));
  }

  /** Gives jobs back, due at once and in the ready queue, their attempts restored; returns how many were still ours. */
  async release(jobs: readonly ClaimedJob[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const released = await this.store.releaseIfOwned(this.worker.id, jobs);
    return this.announceReleased(
      jobs.flatMap(({ id, jobType, priority }) => {
        const status = released.get(id);
        return status ? [{ id, jobType, priority, status }] : [];
      }),
    );
  }

  /** Gives back what Postgres holds for this worker and nobody here knows of; returns how many. */
  async releaseStrays(claimedAhead: readonly string[]): Promise<number> {
    const known = [...this.runs].map(({ job }) => job.id);
    const strays = await this.store.releaseStrays(this.worker.id, [
      ...known,
      ...claimedAhead,
    ]);
    return this.announceReleased(strays);
  }

  private async announceReleased(
    jobs: readonly ReleasedJob[],
  ): Promise<number> {
    for (const { id, jobType, status } of jobs)
      this.events.emit(
        status === 'pending' ? 'job.released' : 'job.cancelled',
        {
          id,
          jobType,
        },
      );
    await this.readyQueue.putBack(
      jobs.filter(({ status }) => status === 'pending'),
    );
    return jobs.length;
  }

  /** The outcome of the handler, whatever it does. */
  private async callHandler(run: JobRun): Promise<Outcome> {
    const { job } = run;
    try {
      const handler = this.handlers.resolve(job.jobType);
      if (!handler) throw new Error(`No handler for "${job.jobType}".`); // only known types are claimed
      const payload: unknown = JSON.parse(job.payloadJson);
      const result = await this.scope.run(run, handler, payload);
      return this.completed(job, result);
    } catch (thrown) {
      return decideFailure(job, thrown, this.handlers.waitOf(job.jobType));
    }
  }

  private completed(job: ClaimedJob, result: unknown): Outcome {
    const { json, dropped } = encodeResult(result);
    if (dropped !== undefined)
      this.logger.limited(
        'warn',
        // Not the subject of the lines about failures and deaths, which these would use up.
        `results of type ${job.jobType}`,
        'results that are not kept',
        () =>
          `The result of job ${job.id} (${job.jobType}) is not kept: ${dropped}.`,
      );
    return { status: 'completed', resultJson: json };
  }

  /** `released` and `fenced`: the job is somebody else's now, and nothing was stored. */
  private announce(
    run: JobRun,
    durationMs: number,
    outcome: Outcome,
    end: RunEnd,
  ): void {
    const { id, jobType, token } = run.job;
    if (end === 'released') return;
    if (end === 'fenced') {
      this.events.emit('lease.lost', { id, jobType, token });
      return;
    }
    if (outcome.status === 'failed' && end === 'failed')
      this.alarm.noteDueIn(outcome.retryInMs);
    this.events.emit(
      'job.settled',
      end === 'completed'
        ? { id, jobType, durationMs, status: end }
        : { id, jobType, durationMs, status: end, ...failureOf(run, outcome) },
    );
  }

  /**
   * One that has waited here may have been cancelled, or taken back while this process hung, so Postgres is asked again. A job that may have killed a worker is
   * put on record before it begins. An answer that took long was true long ago: a process that stood still meanwhile must not believe it.
   */
  private async mayStart(run: JobRun): Promise<boolean> {
    const { job } = run;
    for (;;) {
      const askedAt = performance.now();
      const may = await insist(run, this.logger, () =>
        job.crashCount > 0
          ? this.store.markStarted(this.worker.id, job)
          : this.starts.add(job),
      );
      if (may !== true || run.aborted) return false;
      if (performance.now() - askedAt < fenceMarginMs(this.config)) return true;
    }
  }

  /** Ours still, and passed over because somebody else has a lock on its row. */
  private async isHeld(job: ClaimedJob): Promise<boolean> {
    const reasons = await this.store.explainUnsettled(this.worker.id, [job]);
    return reasons.get(job.id) === 'held';
  }

  private async giveBack(run: JobRun): Promise<RunEnd> {
    const released = await insist(run, this.logger, async () => {
      const count = await this.release([run.job]);
      if (count === 0 && (await this.isHeld(run.job)))
        throw new Error('another session has locked its row');
      return count;
    });
    if (released !== 0) return 'released';
    const { id, jobType, token } = run.job;
    this.events.emit('lease.lost', { id, jobType, token });
    return 'fenced';
  }
}

/** What the events say of a run that did not end as completed. */
const failureOf = ({ context }: JobRun, outcome: Outcome) => ({
  attempt: context.attempt,
  maxRetries: context.maxRetries,
  ...(outcome.status !== 'completed' && { error: outcome.error }),
  ...(outcome.status === 'failed' && { retryInMs: outcome.retryInMs }),
});

/** Claimed just now, and never known to have lost a worker: nothing is asked before its handler begins. */
const isFresh = ({ job, startedAt }: JobRun): boolean =>
  job.crashCount === 0 && startedAt - job.claimedAt < FRESH_MS;
