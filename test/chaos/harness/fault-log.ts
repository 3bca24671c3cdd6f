import { monotonicMs } from '../app/ledger.js';

/** What a fault hits: one process, or a server behind all of them. */
export type FaultScope = 'process' | 'postgres' | 'redis';

export interface Fault {
  kind: string;
  scope: FaultScope;
  /** Of the process, or of the one whose wire it is. */
  pid: number | null;
  /** Wall clock and monotonic clock, milliseconds. */
  from_at: number;
  to_at: number | null;
  from_mono: number;
  to_mono: number | null;
}

/** Everything that the harness does to the system, and when: the checkers find the causes here. */
export class FaultLog {
  readonly faults: Fault[] = [];
  /** For people: one for each decision, however many processes it hits. */
  readonly counts: Record<string, number> = {};

  count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  /** Returns what is to be called at its end. */
  begin(
    kind: string,
    scope: FaultScope,
    pid: number | null = null,
  ): () => void {
    const fault: Fault = {
      kind,
      scope,
      pid,
      from_at: Date.now(),
      to_at: null,
      from_mono: monotonicMs(),
      to_mono: null,
    };
    this.faults.push(fault);
    return () => {
      fault.to_at = Date.now();
      fault.to_mono = monotonicMs();
    };
  }

  /** Of a fault that has no length. */
  note(kind: string, scope: FaultScope, pid: number | null = null): void {
    this.begin(kind, scope, pid)();
  }

  /** The last fault of `pid` hits its successor too. */
  inherit(pid: number | null, heir: number): void {
    const fault = this.faults.findLast((each) => each.pid === pid);
    if (fault) this.faults.push({ ...fault, pid: heir });
  }
}
