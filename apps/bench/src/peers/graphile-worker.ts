import {
  Logger,
  makeWorkerUtils,
  run,
  type Runner,
  type TaskSpec,
  type WorkerUtils,
} from 'graphile-worker';
import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
  Handler,
  JobOptions,
  Payload,
} from '../contestants/contestant.js';
import { countRows } from '../contestants/counter.js';

const TASK = 'send_mail';
/** It would write a line for each job. */
const logger = new Logger(() => () => undefined);

/** graphile-worker in the configuration of the numbers on its own performance page. */
class GraphileWorker implements Contestant {
  private utils: WorkerUtils | undefined;
  private runner: Runner | undefined;

  constructor(private readonly settings: ContestantSettings) {}

  async setUp(): Promise<void> {
    await this.openQueue();
    await this.utils!.migrate();
  }

  async openQueue(): Promise<void> {
    this.utils = await makeWorkerUtils({
      connectionString: this.settings.postgresUrl,
      maxPoolSize: 25,
      logger,
    });
  }

  enqueue(payload: Payload, options?: JobOptions): Promise<unknown> {
    return this.utils!.addJob(TASK, payload, toSpec(options));
  }

  enqueueMany(payloads: Payload[], options?: JobOptions): Promise<unknown> {
    const spec = toSpec(options);
    return this.utils!.addJobs(
      payloads.map((payload) => ({ identifier: TASK, payload, ...spec })),
    );
  }

  async work(handler: Handler, slots: number): Promise<void> {
    const { tuning } = this.settings;
    this.runner = await run({
      noHandleSignals: true,
      taskList: { [TASK]: async (job) => handler(job as Payload) },
      preset: {
        worker: {
          connectionString: this.settings.postgresUrl,
          concurrentJobs: slots,
          maxPoolSize: slots + 1,
          // What it has fetched it works off before it looks for something urgent.
          ...(tuning !== 'priority' && { localQueue: { size: 500 } }),
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
          logger,
          ...((tuning === 'latency' || tuning === 'priority') && {
            pollInterval: 500,
          }),
        },
      },
    });
  }

  /** The addJob() of the runner is the same, on the pool of its workers: it was as fast. */
  async both(handler: Handler, slots: number): Promise<void> {
    await this.openQueue();
    await this.work(handler, slots);
  }

  unfinished(): Promise<number> {
    return countRows(
      this.settings.postgresUrl,
      'SELECT count(*) FROM graphile_worker.jobs',
    );
  }

  async close(): Promise<void> {
    await this.runner?.stop();
    await this.utils?.release();
  }
}

/** The lower number goes first. */
const toSpec = ({ priority, dueAt }: JobOptions = {}): Pick<
  TaskSpec,
  'priority' | 'runAt'
> => ({
  ...(priority === 'urgent' && { priority: -10 }),
  ...(dueAt && { runAt: dueAt }),
});

export const create: CreateContestant = (settings) =>
  new GraphileWorker(settings);
