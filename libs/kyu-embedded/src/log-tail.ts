import type { Readable } from 'node:stream';

const LINES = 20;

/** Keeps the last lines that a process wrote: what a person needs to see when it did not start. */
export class LogTail {
  private lines: string[] = [];
  private rest = '';

  /** Reads `stream` until its end; has to go on even if nobody looks, or the writer's pipe fills up. */
  follow(stream: Readable | null): this {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => this.add(chunk));
    stream?.on('error', () => undefined);
    return this;
  }

  add(chunk: string): void {
    const lines = (this.rest + chunk).split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    const kept = lines.filter((line) => line.trim() !== '');
    this.lines = [...this.lines, ...kept].slice(-LINES);
  }

  get text(): string {
    const rest = this.rest.trim() === '' ? [] : [this.rest];
    return [...this.lines, ...rest].slice(-LINES).join('\n');
  }
}
