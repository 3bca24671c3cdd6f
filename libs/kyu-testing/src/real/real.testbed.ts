import type { Job, KyuEvents, RunCounts } from '@kyu/nestjs';
import {
  type DueAlarm,
  type Database,
  type JobReader,
  type JobRunner,
  type ReadyQueue,
} from '@kyu/nestjs/testing-internals';
import type { EntityManager } from 'typeorm';
import type { DrainOptions } from '../call-options.js';
import type { Faults } from '../faults.js';
import { Testbed, type HandlerParts } from '../testbed.js';
import { until } from '../until.js';
import { RealFaults } from './real.faults.js';
import type { RealServers } from './real-servers.js';
import { ALL_JOBS, COUNT_UNFINISHED, MAKE_DUE } from './real.sql.js';

/** Longer than anything a test should wait for, shorter than for ever. */
const DRAIN_TIMEOUT_MS = 30_000;

export interface RealParts extends HandlerParts {
  servers: RealServers;
  database: Database;
  reader: JobReader;
  runner: JobRunner;
  readyQueue: ReadyQueue;
  alarm: DueAlarm;
  events: KyuEvents;
}

const none = (): RunCounts => ({
  claimed: 0,
  completed: 0,
  failed: 0,
  dead: 0,
});

/** Is responsible for looking at jobs that real workers run on real servers. */
export class RealTestbed extends Testbed {
  readonly faults: Faults;
  private counts = none();
  private errors: string[] = [];

  constructor(override readonly parts: RealParts) {
    super(parts);
    this.faults = new RealFaults(parts.servers, parts.readyQueue);
    parts.events.on('job.claimed', () => {
      this.counts.claimed++;
    });
    parts.events.on('job.settled', ({ status, error }) => {
      if (status !== 'cancelled') this.counts[status]++;
      if (error !== undefined) this.errors.push(error);
    });
  }

  async jobs(): Promise<Job[]> {
    const { database, reader, config } = this.parts;
    const rows = await database.run(ALL_JOBS, [config.queueName]);
    const jobs = await Promise.all(
      rows.map(({ id }) => reader.find(config.queueName, id)),
    );
    return jobs.filter((job) => job !== undefined);
  }

  /** Its workers run the jobs anyway: this waits for them. What it counts is all since the last call. */
  async drain({
    withScheduled = false,
    throwFailures = false,
  }: DrainOptions): Promise<RunCounts> {
    const { config, runner } = this.parts;
    do {
      if (config.mode === 'producer') await runner.runOnce();
      else
        await until(
          'the jobs that are due to end',
          async () => (await this.countUnfinished()) === 0,
          DRAIN_TIMEOUT_MS,
        );
    } while (withScheduled !== false && (await this.makeDue(withScheduled)));
    const { counts, errors } = this;
    this.counts = none();
    this.errors = [];
    if (throwFailures && errors.length > 0) throw new Error(errors[0]);
    return counts;
  }

  protected get manager(): EntityManager {
    return this.parts.database.dataSource.manager;
  }

  protected get isBooted(): boolean {
    return this.parts.database.dataSource.isInitialized;
  }

  private async countUnfinished(): Promise<number> {
    const { database, config, handlers } = this.parts;
    const [row] = await database.run(COUNT_UNFINISHED, [
      config.queueName,
      handlers.jobTypes,
    ]);
    return row!.unfinished;
  }

  /** The server's clock is not a test's to move: the jobs are. */
  private async makeDue(upTo: true | Date): Promise<boolean> {
    const { database, config, handlers, alarm } = this.parts;
    const due = await database.run(MAKE_DUE, [
      config.queueName,
      handlers.jobTypes,
      upTo === true ? null : upTo,
    ]);
    alarm.noteDueIn(0);
    return due.length > 0;
  }
}
