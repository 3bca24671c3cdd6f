import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { JOB_TRANSITIONS, type JobStatus } from '@kyu/nestjs';
import { fullHistory } from '../../libs/kyu/src/job/attempt-record.sql.js';
import { uuidV7 } from '../../libs/kyu/src/runtime/uuid-v7.js';
import { aJob, type Stores } from '../support/stores.js';
import {
  JobModel,
  TERMINAL,
  WORKERS,
  type Claim,
  type WorkerName,
} from './job-model.js';

interface Row {
  id: string;
  status: JobStatus;
  claim_token: number;
  retry_count: number;
  crash_count: number;
  locked_by: WorkerName | null;
  started_at: string | null;
  cancel_requested_at: string | null;
  completed_at: string | null;
  history: { token: number; worker: string; outcome: string }[];
}

/** One line of a state chart's walk: what the model says and what the tables say must be the same. */
type Action = (model: JobModel, real: Real) => Promise<[unknown, unknown]>;

/** The tables, and what was seen of them so far. */
export class Real {
  private rows = new Map<string, Row>();
  private texts = new Map<string, string>();
  private enqueued = 0;
  readonly walked = new Set<string>();

  constructor(
    readonly stores: Stores,
    readonly queue: string,
    /** Kinds of the steps that were taken, for the coverage of the whole. */
    readonly taken: Map<string, number>,
  ) {}

  /** Of yesterday: by its id a job is judged old by the pruner. */
  newId(): string {
    const time = Date.now() - 86_400_000 + this.enqueued++;
    const hex = time.toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}${uuidV7().slice(13)}`;
  }

  edit(set: string, id: string): Promise<unknown> {
    return this.stores.sql(`UPDATE jobs SET ${set} WHERE id = $1`, [id]);
  }

  /** Compares each row with the model (I3), and with what it was before (I4, I7, I8). */
  async compare(model: JobModel, step: Step, refused: boolean): Promise<void> {
    const found = await this.stores.sql<{ row: Row; text: string }>(
      `SELECT to_jsonb(job) || jsonb_build_object('history', ${fullHistory('job')}) AS row, to_jsonb(job)::text AS text FROM jobs AS job WHERE queue = $1 ORDER BY id`,
      [this.queue],
    );
    same(
      step,
      'rows',
      found.map(({ row }) => seen(row)),
      model.all.map((job) => ({
        id: job.id,
        status: job.status,
        token: job.token,
        retryCount: job.retryCount,
        crashCount: job.crashCount,
        owner: job.owner,
        started: job.started,
        ended: TERMINAL.includes(job.status),
        history: job.history,
      })),
    );
    for (const { row, text } of found) {
      const before = this.rows.get(row.id);
      if (!before) continue;
      const move = `${before.status} -> ${row.status}`;
      const unchanged = text === this.texts.get(row.id);
      if (row.status !== before.status) {
        this.walked.add(move);
        if (!JOB_TRANSITIONS[before.status].includes(row.status))
          throw new Error(`I8: ${move} is no transition, by ${String(step)}`);
      }
      if (TERMINAL.includes(before.status) && !unchanged && step.kind !== 'age')
        throw new Error(
          `I7: a ${before.status} row changed, by ${String(step)}`,
        );
      if (refused && !unchanged)
        throw new Error(`I4: refused, and a row changed, by ${String(step)}`);
      if (row.claim_token < before.claim_token)
        throw new Error(`I3: the token went back, by ${String(step)}`);
      if (row.claim_token > before.claim_token && row.status !== 'running')
        throw new Error(`I3: a token without a claim, by ${String(step)}`);
    }
    this.rows = new Map(found.map(({ row }) => [row.id, row]));
    this.texts = new Map(found.map(({ row, text }) => [row.id, text]));
  }
}

const seen = (row: Row): object => ({
  id: row.id,
  status: row.status,
  token: row.claim_token,
  retryCount: row.retry_count,
  crashCount: row.crash_count,
  owner: row.locked_by,
  started: row.started_at !== null,
  ended: row.completed_at !== null,
  history: row.history.map(
    ({ token, worker, outcome }) => `${token} ${worker} ${outcome}`,
  ),
});

/** Quicker than expect(), which is called some ten thousand times here. */
function same(
  step: Step,
  what: string,
  actual: unknown,
  expected: unknown,
): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(
    `${what} after ${String(step)}: ${JSON.stringify(actual, undefined, 1)} where the model has ${JSON.stringify(expected, undefined, 1)}`,
  );
}

export class Step implements fc.AsyncCommand<JobModel, Real> {
  constructor(
    readonly kind: string,
    private readonly details: unknown,
    private readonly needs: 'nothing' | 'a job' | 'a claim',
    private readonly action: Action,
  ) {}

  check({ jobs, claims }: JobModel): boolean {
    return (
      this.needs === 'nothing' ||
      (this.needs === 'a job' ? jobs.size > 0 : claims.length > 0)
    );
  }

  async run(model: JobModel, real: Real): Promise<void> {
    real.taken.set(this.kind, (real.taken.get(this.kind) ?? 0) + 1);
    const [actual, expected] = await this.action(model, real);
    same(this, 'the answer', actual, expected);
    const refused = expected === undefined || expected === false;
    await real.compare(model, this, refused);
  }

  toString(): string {
    return `${this.kind}(${JSON.stringify(this.details)})`;
  }
}

/** Modulo: a number stays good however many there are, also while a failure shrinks. */
export const pick = <T>(from: readonly T[], index: number): T =>
  from[index % from.length]!;
/** The newest first: zombies are rarer than owners. */
export const pickClaim = (model: JobModel, index: number): Claim =>
  pick(model.claims.toReversed(), index);
export const workerOf = (index: number): (typeof WORKERS)[number] =>
  pick(WORKERS, index);

export async function enqueue(
  model: JobModel,
  real: Real,
  job: Parameters<JobModel['enqueue']>[1],
): Promise<[unknown, unknown]> {
  const id = real.newId();
  const offset = { now: undefined, past: -60_000, future: 3_600_000 }[job.at];
  const [stored] = await real.stores.jobs.enqueue(real.queue, [
    {
      ...aJob({
        priority: job.priority,
        ...(offset !== undefined && {
          scheduledAt: new Date(Date.now() + offset),
        }),
      }),
      jobType: job.jobType,
      id,
    },
  ]);
  return [stored!.status, model.enqueue(id, job)];
}
