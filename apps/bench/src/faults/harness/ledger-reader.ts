import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import type { LedgerLine } from '../../../../../test/chaos/app/ledger.js';
import type { Line } from '../checks/evidence.js';

const CHUNK = 1 << 20;

/** Reads the ledgers of a case as they grow. */
export class LedgerReader {
  readonly lines: Line[] = [];
  private readonly read = new Map<string, { offset: number; rest: string }>();

  constructor(private readonly folder: string) {}

  /** Adds what was written since the last time. */
  catchUp(): readonly Line[] {
    for (const name of readdirSync(this.folder)) this.readOn(name);
    return this.lines;
  }

  /** Half a line that is left at the end: a write that was cut off, which must not happen. */
  get torn(): string[] {
    return [...this.read]
      .filter(([, { rest }]) => rest !== '')
      .map(([name]) => name);
  }

  private readOn(name: string): void {
    const at = this.read.get(name) ?? { offset: 0, rest: '' };
    this.read.set(name, at);
    const file = openSync(path.join(this.folder, name), 'r');
    const buffer = Buffer.alloc(CHUNK);
    for (let size; (size = readSync(file, buffer, 0, CHUNK, at.offset)) > 0;) {
      at.offset += size;
      const texts = (at.rest + buffer.toString('utf8', 0, size)).split('\n');
      at.rest = texts.pop()!;
      for (const text of texts)
        this.lines.push({ ...(JSON.parse(text) as LedgerLine), process: name });
    }
    closeSync(file);
  }
}
