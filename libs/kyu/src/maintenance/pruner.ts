import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { Cadence } from '../runtime/cadence.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { MaintenanceStore } from '../store/maintenance-store.js';

/** How precisely the period is kept. */
const TICK_MS = 1_000;
/** Nobody waits for it; a table that grows for a minute longer harms nobody. */
const PERIOD_MS = 60_000;
/** Small enough to hold its locks for milliseconds. */
const PRUNE_BATCH = 1_000;
/** One run ends after this many, so that a first run over years of history leaves room for others. */
const MAX_BATCHES = 100;

/** What one run did. */
export interface PrunerCounts {
  pruned: number;
}

/** Is responsible for deleting finished jobs whose retention is over, in batches, off the hot path. A job that is not finished is never touched. */
@Injectable()
export class Pruner {
  private readonly cadence: Cadence<PrunerCounts>;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: MaintenanceStore,
    private readonly events: KyuEvents,
    @Inject(KyuLogger) logger: KyuLog,
  ) {
    this.cadence = new Cadence(
      'Pruning old jobs',
      PERIOD_MS,
      () => this.prune(),
      logger,
    );
  }

  start(): void {
    this.cadence.start();
  }

  @Interval(TICK_MS)
  tick(): void {
    this.cadence.tick();
  }

  runOnce(): Promise<PrunerCounts> {
    return this.cadence.runNow();
  }

  stop(): Promise<void> {
    return this.cadence.stop();
  }

  private async prune(): Promise<PrunerCounts> {
    const { queueName, retention } = this.config;
    const counts: PrunerCounts = { pruned: 0 };
    if (Object.values(retention).every((age) => age === undefined))
      return counts;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const pruned = await this.store.pruneFinished(
        queueName,
        retention,
        PRUNE_BATCH,
      );
      counts.pruned += pruned;
      if (pruned < PRUNE_BATCH) break;
    }
    if (counts.pruned > 0)
      this.events.emit('jobs.pruned', { count: counts.pruned });
    return counts;
  }
}
