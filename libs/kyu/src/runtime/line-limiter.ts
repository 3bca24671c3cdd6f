export type LogLevel = 'debug' | 'log' | 'warn' | 'error';

const SEVERITY: readonly LogLevel[] = ['debug', 'log', 'warn', 'error'];

/** What was not written of one subject, by kind: `failed runs` → 120. */
export interface LeftOut {
  subject: string;
  counts: ReadonlyMap<string, number>;
  /** The most severe level of the lines that were not written. */
  level: LogLevel;
}

interface Window {
  endsAt: number;
  written: number;
  leftOut: Map<string, number>;
  level: LogLevel;
}

/**
 * Bounds how many lines a minute are written about each subject, and counts those that are not. The
 * minute of a subject begins with its first line. Pure: it neither writes nor waits.
 */
export class LineLimiter {
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly maxLines: number,
    private readonly windowMs: number,
  ) {}

  /**
   * Whether a line about `subject` may be written at the time `now`; if not, it is counted as one
   * of `kind`.
   */
  admit(
    subject: string,
    kind: string,
    now: number,
    level: LogLevel = 'warn',
  ): boolean {
    let window = this.windows.get(subject);
    if (!window) {
      window = {
        endsAt: now + this.windowMs,
        written: 0,
        leftOut: new Map(),
        level,
      };
      this.windows.set(subject, window);
    }
    if (window.written < this.maxLines) {
      window.written++;
      return true;
    }
    window.level =
      window.leftOut.size === 0 ? level : moreSevere(window.level, level);
    window.leftOut.set(kind, (window.leftOut.get(kind) ?? 0) + 1);
    return false;
  }

  /** Ends the windows that are over at the time `now`, and says what was left out in them. */
  takeLeftOut(now: number): LeftOut[] {
    const taken: LeftOut[] = [];
    // The first to begin is the first to end, so the look ends at the first one that goes on.
    for (const [subject, { endsAt, leftOut, level }] of this.windows) {
      if (endsAt > now) break;
      this.windows.delete(subject);
      if (leftOut.size > 0) taken.push({ subject, counts: leftOut, level });
    }
    return taken;
  }

  /** When the next window ends; undefined while there is none. */
  get nextEnd(): number | undefined {
    return this.windows.values().next().value?.endsAt;
  }
}

const moreSevere = (one: LogLevel, other: LogLevel): LogLevel =>
  SEVERITY.indexOf(one) < SEVERITY.indexOf(other) ? other : one;
