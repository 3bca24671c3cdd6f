import type { LedgerLine } from '../../../../../test/chaos/app/ledger.js';

/** A line, and whose ledger it stands in: a pid may be given again, the name of an incarnation is not. */
export interface Line extends LedgerLine {
  process: string;
}

/** What was done to the contestant, and when, on the clock that all processes of the machine share. */
export interface Fault {
  kind: 'SIGKILL' | 'FLUSHALL' | 'store crash';
  /** Milliseconds. */
  mono: number;
  /** Whom a SIGKILL hit. */
  process?: string;
}

export interface Evidence {
  lines: readonly Line[];
  faults: readonly Fault[];
  /** When each process that has ended was killed, or was seen to be gone. */
  deaths: ReadonlyMap<string, number>;
  /** What the store said at the end of the patience, by key. */
  held: ReadonlySet<string>;
  buried: ReadonlySet<string>;
}

/** One passage through a handler. */
export interface Run {
  key: string;
  process: string;
  startedAt: number;
  /** When it ended, or its process did; Infinity: it goes on. */
  overAt: number;
  how: 'end' | 'throw' | 'died' | 'open';
}

/** The runs in the order of their starts. */
export function runsOf({
  lines,
  deaths,
}: Pick<Evidence, 'lines' | 'deaths'>): Run[] {
  const name = ({ process, token }: Line): string => `${process}/${token}`;
  const endings = new Map<string, Line>();
  for (const line of lines)
    if (line.kind === 'end' || line.kind === 'throw')
      endings.set(name(line), line);
  return lines
    .filter(({ kind }) => kind === 'start')
    .map((start): Run => {
      const run = {
        key: start.key!,
        process: start.process,
        startedAt: start.mono,
      };
      const ending = endings.get(name(start));
      if (ending)
        return {
          ...run,
          overAt: ending.mono,
          how: ending.kind === 'end' ? 'end' : 'throw',
        };
      const death = deaths.get(start.process);
      return death === undefined
        ? { ...run, overAt: Infinity, how: 'open' }
        : { ...run, overAt: death, how: 'died' };
    })
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** Keys of the jobs that the contestant said it had stored. */
export const ackedKeys = (lines: readonly Line[]): Set<string> =>
  new Set(lines.filter(({ kind }) => kind === 'ack').map(({ key }) => key!));

/** Keys of the jobs whose handler came to its end. */
export const finishedKeys = (runs: readonly Run[]): Set<string> =>
  new Set(runs.filter(({ how }) => how === 'end').map(({ key }) => key));
