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
  private known = false;
  private usable = true;
  private foreign: string | undefined;
  private missed = 0;

  /** @param readOwn the mark of these tables; undefined when they have none. */
  constructor(
    private readonly readOwn: () => Promise<string | undefined>,
    private readonly onChange: (foreign: string | undefined) => void,
  ) {}

  /**
   * Reads the own mark, until it is known. Never rejects: meanwhile the key is used without a mark.
   */
  async learn(): Promise<void> {
    if (this.known) return;
    try {
      this.own = (await this.readOwn()) ?? '';
      this.known = true;
    } catch {
      // PostgreSQL is away: the next period asks again
    }
  }

  /** Empty: use the key without a mark. */
  get text(): string {
    return this.usable ? this.own : '';
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

  /** @param mark the mark at the key now, empty for none. */
  found(mark: string): void {
    if (mark === '') {
      this.missed++;
      return;
    }
    this.missed = 0;
    const foreign = mark === this.own ? undefined : mark;
    const changed = this.isForeign !== (foreign !== undefined);
    this.foreign = foreign;
    if (changed) this.onChange(foreign);
  }
}
