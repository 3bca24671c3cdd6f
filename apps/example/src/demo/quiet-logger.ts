import type { LoggerService } from '@nestjs/common';

/** Only warnings and errors, and these to where they do not tear the live view apart. */
export class QuietLogger implements LoggerService {
  print: (line: string) => void = console.error;

  log(): void {}

  warn(message: unknown): void {
    this.print(`warning: ${String(message)}`);
  }

  error(message: unknown): void {
    this.print(`error: ${String(message)}`);
  }
}
