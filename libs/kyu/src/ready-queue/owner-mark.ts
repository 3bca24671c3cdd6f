/**
 * A mark that no process has renewed for this long ends, and the key is free. Longer than a
 * restart.
 */
const LIFE_MS = 30_000;
/** How often each process renews the mark, or, as a stranger, looks at it. */
export const RENEW_PERIOD_MS = 3_000;
/**
 * A stranger takes a key whose mark it has missed at so many looks in a row. A `FLUSHALL` takes the
 * mark along, too: meanwhile its owner has renewed it.
 */
const LOOKS_BEFORE_TAKING = 2;

/** How often the own mark is read again. It changes when the database moves to another cluster. */
const READ_PERIOD_MS = 60_000;

/** What a process does with the mark at each period. See `OWN` in ready-queue.lua.ts. */
export type MarkAction = 'renew' | 'look' | 'take';

/**
 * Knows whether the key in Redis belongs to the tables of this process. Several databases may meet
 * in one Redis under the same `queueName`, and each would pop the ids of the others. A mark beside
 * the key names the tables whose ids are in it; it lives for as long as their processes renew it.
 */
export class OwnerMark {
  readonly lifeMs = LIFE_MS;
  private own = '';
  /** The own mark before the last change, until the key has the new one. */
  private inUse = '';
  private readAt: number | undefined;
  private reading: Promise<void> | undefined;
  private usable = true;
  private foreign: string | undefined;
  private missed = 0;

  /** @param readOwn the mark of these tables; undefined when they have none. */
  constructor(
    private readonly readOwn: () => Promise<string | undefined>,
    private readonly onChange: (foreign: string | undefined) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Reads the own mark, and again once a minute. Waits only for the first: the key is renewed while
   * PostgreSQL is away. Never rejects: until the mark is known the key is used without one.
   */
  async learn(): Promise<void> {
    if (this.readAt === undefined) await this.read();
    else if (this.now() - this.readAt >= READ_PERIOD_MS) void this.read();
  }

  /** What scripts call their own. Empty: use the key without a mark. */
  get text(): string {
    return this.usable ? this.inUse : '';
  }

  /** The mark that the key should have. Differs from {@link text} until the key has it. */
  get current(): string {
    return this.own;
  }

  /** Redis does not let this process have a mark, or lets it again. */
  allow(usable: boolean): void {
    this.usable = usable;
  }

  /** The key belongs to other tables: this process neither pops nor stages there. */
  get isForeign(): boolean {
    return this.foreign !== undefined;
  }

  get action(): MarkAction {
    if (!this.isForeign) return 'renew';
    return this.missed >= LOOKS_BEFORE_TAKING ? 'take' : 'look';
  }

  /**
   * An unknown mark may be the new one of the own tables, set by another process: the own mark is
   * read again before this process calls itself a stranger.
   *
   * @param mark the mark at the key now, empty for none.
   */
  async found(mark: string): Promise<void> {
    if (mark === '') {
      this.missed++;
      return;
    }
    this.missed = 0;
    if (!this.isForeign && !this.isOwn(mark)) await this.read();
    const foreign = this.isOwn(mark) ? undefined : mark;
    // The old mark is left as soon as the key has the new one, and by a stranger in any case.
    if (mark !== this.inUse) this.inUse = this.own;
    const changed = this.isForeign !== (foreign !== undefined);
    this.foreign = foreign;
    if (changed) this.onChange(foreign);
  }

  private isOwn(mark: string): boolean {
    return mark === this.own || mark === this.inUse;
  }

  /** Callers at the same time share one look into PostgreSQL. */
  private read(): Promise<void> {
    this.reading ??= this.readNow().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readNow(): Promise<void> {
    try {
      const own = await this.readOwn();
      this.readAt = this.now();
      // A mark that was removed meanwhile stays in use.
      if (own !== undefined) this.own = own;
      // The owner of a key takes the key along to its new mark: see `OWN` in ready-queue.lua.ts.
      if (this.inUse === '' || this.isForeign) this.inUse = this.own;
    } catch {
      // PostgreSQL is away: the next period asks again
    }
  }
}
