/** An id and what decides its place: higher priority first, then the older id. */
export interface ReadyJob {
  id: string;
  priority: number;
}

/** A ready queue's answer when it cannot know what waits: the worker claims straight from Postgres. */
export const LOOK_IN_POSTGRES = Symbol('look in Postgres');

/** Jobs to claim, best first; none when nothing came in time. */
export type Popped = readonly ReadyJob[] | typeof LOOK_IN_POSTGRES;

/**
 * The head of the queue: the ids of the best waiting jobs. Everything in it is a hint. It may lose, repeat and outlive what
 * it was told; a popped id means nothing before Postgres has granted the claim.
 */
export abstract class ReadyQueue {
  /** Begins to connect. Never rejects and never waits long: a missing server must not keep an application from booting. */
  abstract open(): Promise<void>;

  /** Puts waiting jobs in. @throws when it could not; the refill will. */
  abstract stage(jobs: readonly ReadyJob[]): Promise<void>;

  /**
   * Puts in the best waiting jobs as Postgres has them.
   *
   * @param complete no more jobs wait than these.
   * @returns whether to refill again at once, because jobs may have been turned away meanwhile.
   */
  abstract refill(
    jobs: readonly ReadyJob[],
    complete: boolean,
  ): Promise<boolean>;

  /** Puts back what was popped and could not be claimed now. Never rejects: what is lost, the refill brings back. */
  async putBack(jobs: readonly ReadyJob[]): Promise<void> {
    if (jobs.length > 0) await this.stage(jobs).catch(() => undefined);
  }

  /** How many ids a refill should bring; 0 when this queue is not filled. */
  abstract readonly window: number;

  /** How many ids there is room for when few are left. */
  abstract readonly room: number;

  /**
   * Takes the best `count` ids; waits up to `waitMs` for the first one, less if `signal` aborts. Never rejects.
   */
  abstract pop(
    count: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Popped>;

  /** Called when few ids are left although more jobs wait, with the last one that is left. One listener: the scheduler. */
  onLow: (tail?: ReadyJob) => void = () => undefined;

  /** Called when the ready queue can be used again after an outage, in which it may have lost everything. One listener: the scheduler. */
  onBack: () => void = () => undefined;

  /** Asks the server behind it, for a health check; `'off'` when there is none. Never rejects. */
  async check(): Promise<'up' | 'down' | 'off'> {
    return 'off';
  }

  /** What is wrong with it although jobs run, for a health check: one sentence each, without addresses. */
  get warnings(): readonly string[] {
    return [];
  }

  abstract close(): Promise<void>;
}
