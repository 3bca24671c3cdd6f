import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import type { NewJob } from '../job/new-job.js';
import { Coalescer } from '../runtime/coalescer.js';
import type { EnqueuedJob } from '../store/enqueued-job.js';
import { JobStore } from '../store/job-store.js';
import { isRefusedData } from '../store/postgres-errors.js';
import { Announcer } from './announcer.js';
import { IdleWorker } from './idle-worker.js';

/** Beyond this a batch waits longer for its own rows than it saves. */
const MAX_COALESCED = 500;
/** Large payloads gain nothing by travelling together. */
const MAX_COALESCED_BYTES = 4 * 1024 * 1024;

/** Is responsible for storing what is enqueued in no transaction of the caller, and for letting it start. */
@Injectable()
export class JobInserter {
  /** Calls of the same moment share a statement and its commit: this is worth twenty times the throughput of one commit each. */
  private readonly inserts = new Coalescer<NewJob, EnqueuedJob>(
    (jobs) => this.insertCoalesced(jobs),
    {
      maxBatch: MAX_COALESCED,
      maxBytes: MAX_COALESCED_BYTES,
      weigh: ({ payloadJson }) => payloadJson.length,
      splitOn: isRefusedData,
    },
  );

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: JobStore,
    private readonly announcer: Announcer,
    private readonly idleWorker: IdleWorker,
  ) {}

  /** Stores the job, together with those of other callers. */
  insertOne(job: NewJob): Promise<EnqueuedJob> {
    return this.inserts.add(job);
  }

  /** Stores the jobs in one statement: all or none. */
  async insert(
    jobs: readonly NewJob[],
    stored = this.store.enqueue(this.config.queueName, jobs),
  ): Promise<EnqueuedJob[]> {
    this.announcer.acknowledge(await stored);
    return stored;
  }

  /** Only here can a worker have a job at once: a batch goes out in the async context of nobody, and so will the handler. */
  private insertCoalesced(jobs: readonly NewJob[]): Promise<EnqueuedJob[]> {
    const own = jobs.length === 1 && this.idleWorker.enqueueClaimed(jobs[0]!);
    return this.insert(jobs, own ? own.then((job) => [job]) : undefined);
  }
}
