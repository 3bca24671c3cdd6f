import { AsyncLocalStorage } from 'node:async_hooks';
import type { LoggerService } from '@nestjs/common';
import { messageOf } from './describe-error.js';
import { isOutage } from './is-outage.js';
import { LineLimiter, type LeftOut, type LogLevel } from './line-limiter.js';

/** So many lines a minute about one subject tell what goes on; thousands hide it. */
const MAX_LINES = 10;
const WINDOW_MS = 60_000;
/** The subject of lines about the jobs of one type. */
export const jobsOf = (jobType: string): string => `jobs of type ${jobType}`;
/** A log line is no place for a dump. */
const MAX_LENGTH = 2_000;

/**
 * Is responsible for Kyu's own lines in the log. Each is one line, whatever is in it, and names its
 * registration. It is written outside of the async context in which it came up, so that no logger
 * adds the job or the request of a caller to it. A logger that throws harms no job.
 */
export class KyuLog implements LoggerService {
  private readonly outside = AsyncLocalStorage.snapshot();
  private readonly limiter = new LineLimiter(MAX_LINES, WINDOW_MS);
  private timer: NodeJS.Timeout | undefined;
  private readonly prefix: string;

  /** @param name of the registration; undefined for the default one */
  constructor(
    private readonly logger: LoggerService,
    name?: string,
  ) {
    this.prefix = name === undefined ? '' : `[${name}] `;
  }

  debug(message: string): void {
    this.write('debug', message);
  }

  log(message: string): void {
    this.write('log', message);
  }

  warn(message: string): void {
    this.write('warn', message);
  }

  error(message: string): void {
    this.write('error', message);
  }

  /**
   * Writes at most ten lines a minute about one subject; when the minute is over, one line with the
   * count of those that were left out, at the most severe of their levels.
   *
   * @param subject what the lines are about: `claims`
   * @param kind what is counted: `failures`
   * @param message called only for a line that is written
   */
  limited(
    level: LogLevel,
    subject: string,
    kind: string,
    message: () => string,
  ): void {
    this.tellLeftOut(performance.now());
    if (this.limiter.admit(subject, kind, performance.now(), level))
      this.write(level, message());
    else this.timer ??= this.untilNextEnd();
  }

  /**
   * As {@link limited}, about work that failed and is tried again. Nothing for an outage of
   * PostgreSQL, of which `PostgresOutage` tells once, for all.
   *
   * @param what failed: the line without its cause
   */
  failed(
    level: LogLevel,
    subject: string,
    error: unknown,
    what: () => string,
  ): void {
    if (isOutage(error)) return;
    this.limited(
      level,
      subject,
      'failures',
      () => `${what()}: ${messageOf(error)}`,
    );
  }

  /** Tells at once what was left out. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.tellLeftOut(Number.POSITIVE_INFINITY);
  }

  private untilNextEnd(): NodeJS.Timeout {
    const waitMs = this.limiter.nextEnd! - performance.now();
    const timer = setTimeout(() => {
      this.timer = undefined;
      this.tellLeftOut(performance.now());
      if (this.limiter.nextEnd !== undefined) this.timer = this.untilNextEnd();
    }, waitMs);
    return timer.unref(); // nothing waits for a line in the log
  }

  private tellLeftOut(now: number): void {
    for (const each of this.limiter.takeLeftOut(now))
      this.write(each.level, leftOutLine(each));
  }

  private write(level: LogLevel, message: string): void {
    const line = (this.prefix + message)
      .slice(0, MAX_LENGTH)
      .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
    try {
      this.outside(() => this.logger[level]?.(line)); // a logger need not have `debug`
    } catch {
      // There is no place left to say so.
    }
  }
}

function leftOutLine({ subject, counts }: LeftOut): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return `${total} more lines about ${subject} were left out, as ${MAX_LINES} a minute are written: ${kinds.join(', ')}.`;
}
