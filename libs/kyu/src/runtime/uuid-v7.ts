import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn, and written as text, for this many ids at once: for each by itself both cost more than the id. */
const POOLED_IDS = 256;
const BYTES_PER_ID = 8;
const HEX_PER_ID = 2 * BYTES_PER_ID;
const bytes = Buffer.allocUnsafe(POOLED_IDS * BYTES_PER_ID);
let pool = '';
let used = 0;

function drawPool(): void {
  randomFillSync(bytes);
  for (let i = 0; i < bytes.length; i += BYTES_PER_ID)
    bytes[i] = (bytes[i]! & 0x3f) | 0x80; // the variant
  pool = bytes.toString('hex');
  used = 0;
}

function drawn(): { variant: string; random: string } {
  if (used === pool.length) drawPool();
  const variant = pool.slice(used, used + 4);
  const random = pool.slice(used + 4, used + HEX_PER_ID);
  used += HEX_PER_ID;
  return { variant, random };
}

/**
 * Makes UUIDv7 (RFC 9562, 6.2 method 1): 48 bits of Unix milliseconds, a 12-bit counter, 62 random bits. The ids of one
 * sequence sort, as text, in the order in which they were made. After 4096 ids in one millisecond, or when the clock
 * steps back, the id's time runs ahead of the clock instead of breaking that order.
 */
export class UuidV7Sequence {
  /** The time in the last id. */
  lastMs = 0;
  private counter = 0;
  /** Its text, as an id begins. */
  private time = '';

  /** @param now milliseconds since 1970. */
  next(now: number): string {
    if (now > this.lastMs) this.setTime(now);
    else if (++this.counter > 0xfff) this.setTime(this.lastMs + 1);
    const { variant, random } = drawn();
    const counter = this.counter.toString(16).padStart(3, '0');
    return `${this.time}${counter}-${variant}-${random}`;
  }

  private setTime(ms: number): void {
    this.lastMs = ms;
    this.counter = 0;
    const hex = ms.toString(16).padStart(12, '0');
    this.time = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  }
}

const ofThisProcess = new UuidV7Sequence();

/** The next id by the clock of this process. Jobs get theirs by the clock of the database: {@link DatabaseClock}. */
export const uuidV7 = (now: number = Date.now()): string =>
  ofThisProcess.next(now);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && UUID.test(value);
