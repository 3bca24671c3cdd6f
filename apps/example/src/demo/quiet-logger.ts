import type { LoggerService } from '@nestjs/common';

/** Kyu's lines about single jobs: the live view counts failed runs and deaths. */
const ABOUT_JOBS = /^(\[\w+\] )?(Job [\da-f-]{36} |\d+ more lines about jobs )/;

/** Only warnings and errors that the live view does not show. They are printed below the view. */
export class QuietLogger implements LoggerService {
  print: (line: string) => void = console.error;

  log(): void {}

  warn(message: unknown): void {
    this.tell('warning', String(message));
  }

  error(message: unknown): void {
    this.tell('error', String(message));
  }

  private tell(level: string, message: string): void {
    if (!ABOUT_JOBS.test(message)) this.print(`${level}: ${message}`);
  }
}
