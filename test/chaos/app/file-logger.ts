import type { LoggerService } from '@nestjs/common';

/** Kyu's log with the time in front, on stderr, which the harness keeps in a file. */
export class FileLogger implements LoggerService {
  log(message: unknown): void {
    write('log', message);
  }

  warn(message: unknown): void {
    write('warn', message);
  }

  error(message: unknown): void {
    write('error', message);
  }
}

const write = (level: string, message: unknown): void =>
  void process.stderr.write(
    `${new Date().toISOString()} ${process.pid} ${level} ${String(message)}\n`,
  );
