import { Inject, Injectable } from '@nestjs/common';
import { Coalescer } from '../runtime/coalescer.js';
import { describeError } from '../runtime/describe-error.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { JobStore } from '../store/job-store.js';
import type {
  Outcome,
  SettledStatus,
  Settlement,
} from '../store/settlement.js';
import { isRefusedData } from '../store/postgres-errors.js';
import { insist } from './insist.js';
import type { JobRun } from './job-run.js';

/** Beyond this a batch waits longer for its own rows than it saves. */
export const MAX_COALESCED = 500;

/** How a run ended, for those who count: `released` and `fenced` left nothing behind. */
export type RunEnd = SettledStatus | 'released' | 'fenced';

/** Is responsible for the outcomes of runs until they are stored, or until it is certain that they must not be. */
@Injectable()
export class Settler {
  /** Runs that end at the same moment are settled by one statement. */
  private readonly settles = new Coalescer<
    Settlement,
    SettledStatus | 'held' | 'fenced'
  >((settlements) => this.settleBatch(settlements), {
    maxBatch: MAX_COALESCED,
    splitOn: isRefusedData,
    gatherMs: this.store.settleGatherMs,
  });

  constructor(
    private readonly store: JobStore,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** The state that the outcome left the job in; nothing was stored for `released` and `fenced`. */
  async settle(run: JobRun, outcome: Outcome): Promise<RunEnd> {
    if (run.committed) return 'completed';
    if (run.released) return 'released';
    const { id, token } = run.job;
    let failure: unknown;
    try {
      const status = await this.settles.add({ id, token, outcome });
      if (status !== 'held') return status;
      failure = new Error('another session has locked its row');
    } catch (error) {
      failure = error;
    }
    return this.settleAtLast(run, outcome, failure);
  }

  /** Apart from the first try, whose promises every job pays for. */
  private async settleAtLast(
    run: JobRun,
    outcome: Outcome,
    firstFailure: unknown,
  ): Promise<RunEnd> {
    const { id, token } = run.job;
    let storable = outcome;
    let failure: unknown = firstFailure;
    const store = async (): Promise<SettledStatus | 'fenced'> => {
      // No other try would store this; that it failed must be on record all the same.
      if (isRefusedData(failure))
        storable = {
          status: 'dead',
          error: `The outcome could not be stored: ${describeError(failure).message}`,
        };
      try {
        const status = await this.settles.add({ id, token, outcome: storable });
        if (status === 'held')
          throw new Error('another session has locked its row');
        return status;
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    return (await insist(run, this.logger, store, failure)) ?? 'released';
  }

  /** For each its new state; asks again only for those that were passed over. */
  private async settleBatch(
    settlements: readonly Settlement[],
  ): Promise<(SettledStatus | 'held' | 'fenced')[]> {
    if (new Set(settlements.map(({ id }) => id)).size < settlements.length)
      return this.settleOneByOne(settlements);
    const worker = this.worker.id;
    const settled = await this.store.settleIfOwned(worker, settlements);
    const missing = settlements.filter(({ id }) => !settled.has(id));
    const reasons =
      missing.length > 0
        ? await this.store.explainUnsettled(worker, missing)
        : new Map<string, SettledStatus | 'held' | 'fenced'>();
    return settlements.map(
      ({ id }) => settled.get(id) ?? reasons.get(id) ?? 'fenced',
    );
  }

  /** Two runs of one job may end together, when the first could not be stored and was taken back: an answer names the job, and not the run. */
  private async settleOneByOne(
    settlements: readonly Settlement[],
  ): Promise<(SettledStatus | 'held' | 'fenced')[]> {
    const ends: (SettledStatus | 'held' | 'fenced')[] = [];
    for (const settlement of settlements)
      ends.push(...(await this.settleBatch([settlement])));
    return ends;
  }
}
