import { AsyncResource } from 'node:async_hooks';

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes one statement of what many callers ask for at the same time, as a data loader does; each caller still waits for, and gets, the answer to its own.
 * A lone call goes out at the end of the turn of the event loop. At most two batches are under way: while they are, callers
 * gather for the next one, so the batches grow with the load. Where nobody's next step waits for the answer, `gatherMs` makes them grow sooner.
 */
export class Coalescer<Item, Result> {
  /** Batches go out in the async context of nobody: in that of the first caller, what they lead to would see the tenant of one and belong to many. */
  private readonly nobody = new AsyncResource('KyuCoalescer');
  private waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;
  private scheduled = false;
  /** The last batch was no small one, and nobody has waited for company since. */
  private expectsCompany = false;
  private readonly gatherMs: number;
  private gathering: NodeJS.Timeout | undefined;

  constructor(
    private readonly run: (items: readonly Item[]) => Promise<Result[]>,
    private readonly options: {
      /** Items in one batch. */
      maxBatch: number;
      /** Bytes of one batch, by `weigh`; a single item may have more. @default no limit */
      maxBytes?: number;
      weigh?: (item: Item) => number;
      /** How long, in ms, the first of a batch waits for company, if that can be expected. @default 0, not at all */
      gatherMs?: number;
      /** Whether a batch that failed this way should be tried one by one, because a single item may be to blame. */
      splitOn: (error: unknown) => boolean;
    },
  ) {
    this.gatherMs = options.gatherMs ?? 0;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    if (this.expectsCompany && this.waiting.length < ENOUGH)
      return this.gather();
    if (this.underWay >= MAX_UNDER_WAY) return;
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.scheduled = true;
    // After the I/O of this turn, and all that its callbacks ask for.
    setImmediate(() => {
      this.scheduled = false;
      this.nobody.runInAsyncScope(() => this.send());
    });
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.expectsCompany = false;
      this.schedule();
    }, this.gatherMs);
  }

  private send(): void {
    const batch = this.waiting.splice(0, this.batchSize());
    if (batch.length === 0) return;
    this.expectsCompany = this.gatherMs > 0 && batch.length > COMPANY;
    this.underWay++;
    void this.settle(batch).finally(() => {
      this.underWay--;
      if (this.waiting.length > 0) this.schedule();
    });
    if (this.waiting.length > 0) this.schedule();
  }

  private batchSize(): number {
    const { maxBatch, maxBytes, weigh } = this.options;
    const most = Math.min(maxBatch, this.waiting.length);
    if (!weigh || maxBytes === undefined) return most;
    let bytes = 0;
    for (let size = 0; size < most; size++) {
      bytes += weigh(this.waiting[size]!.item);
      if (bytes > maxBytes) return Math.max(1, size);
    }
    return most;
  }

  private async settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length > 1 && this.options.splitOn(error))
        for (const one of batch) await this.settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

/** Who was in a batch larger than this will hardly be the last for a while. */
const COMPANY = 8;
/** So many do not wait for more: it would save nothing. */
const ENOUGH = 250;

/** One on its way, one being executed: a third would only make the batches smaller. */
const MAX_UNDER_WAY = 2;
