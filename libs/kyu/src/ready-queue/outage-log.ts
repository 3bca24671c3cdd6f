import { isSilence } from './redis-errors.js';

/** A silence that is over sooner than this is not logged: a busy machine has many of them. */
const SILENCE_MS = 1_000;

/** Is responsible for logging each outage once when it begins and once when it is over. */
export class OutageLog {
  private timer: NodeJS.Timeout | undefined;
  private told = false;

  constructor(
    private readonly lines: {
      away(cause: Error): void;
      back(): void;
    },
  ) {}

  begin(cause: Error): void {
    if (!isSilence(cause)) return this.tell(cause);
    this.timer = setTimeout(() => this.tell(cause), SILENCE_MS);
    this.timer.unref();
  }

  end(): void {
    clearTimeout(this.timer);
    if (!this.told) return;
    this.told = false;
    this.lines.back();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private tell(cause: Error): void {
    this.told = true;
    this.lines.away(cause);
  }
}
