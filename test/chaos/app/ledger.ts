import { openSync, writeSync } from 'node:fs';

/** What happened, as the processes saw it. The names are the columns of the table that the checkers read. */
export type LedgerKind =
  /** Producers: before the call, and its answer. */
  | 'try'
  | 'ack'
  | 'err'
  /** The same of `cancelJob()`; `detail` of the ack is its result. */
  | 'cancel-try'
  | 'cancel-ack'
  | 'cancel-err'
  /** Handlers. `abort`: the signal; it may be followed by one of the other two ends. */
  | 'start'
  | 'end'
  | 'throw'
  | 'abort'
  /** Processes. `die`: about to stop or kill itself. `lag`: the event loop stood still for `detail` ms, until now. */
  | 'boot'
  | 'exit'
  | 'die'
  | 'lag'
  | 'lease-lost'
  | 'fenced';

export interface LedgerEntry {
  kind: LedgerKind;
  key?: string;
  id?: string;
  token?: number;
  detail?: string;
}

export interface LedgerLine extends LedgerEntry {
  /** Wall clock, milliseconds: comparable with the database's, as all is on one machine. */
  at: number;
  /** Monotonic clock, milliseconds: one for all processes of a machine. */
  mono: number;
  pid: number;
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * A ledger outside of the system under test: one file a process, each entry one line. All lines of a call go into one write to a file opened for
 * append, so that a SIGKILL leaves whole lines.
 */
export class Ledger {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  write(...entries: LedgerEntry[]): void {
    const stamp = { at: Date.now(), mono: monotonicMs(), pid: process.pid };
    const lines = entries.map((entry) =>
      JSON.stringify({ ...entry, ...stamp } satisfies LedgerLine),
    );
    writeSync(this.file, `${lines.join('\n')}\n`);
  }
}
