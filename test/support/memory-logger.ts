import type { LoggerService } from '@nestjs/common';

/** Keeps what was logged, so that tests can look at it and the console stays quiet. */
export class MemoryLogger implements LoggerService {
  readonly lines: { level: string; message: string }[] = [];

  log = (message: unknown): void => this.keep('log', message);
  warn = (message: unknown): void => this.keep('warn', message);
  error = (message: unknown): void => this.keep('error', message);

  messages(level: 'log' | 'warn' | 'error'): string[] {
    return this.lines
      .filter((line) => line.level === level)
      .map(({ message }) => message);
  }

  private keep(level: string, message: unknown): void {
    this.lines.push({ level, message: String(message) });
  }
}
