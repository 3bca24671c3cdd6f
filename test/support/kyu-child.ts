import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@kyu/testing';
import type { KyuOptions } from '@kyu/nestjs';
import { compileEntry } from './compile-entry.js';
import type { ChildReport } from './kyu-child-main.js';

const ENTRY = 'test/support/kyu-child-main.ts';

let built: Promise<string> | undefined;
const children = new Set<KyuChild>();

/** Kyu in a process of its own, for what would stop the tests as well: a blocked event loop, a real signal, a kill. */
export class KyuChild {
  readonly reports: ChildReport[] = [];
  private readonly exited: Promise<unknown>;

  private constructor(private readonly process: ChildProcess) {
    children.add(this);
    process.on('message', (report: ChildReport) => this.reports.push(report));
    this.exited = once(process, 'exit').then(() => children.delete(this));
  }

  /** Boots an application with the handlers of kyu-child-main.ts, and waits until it works. */
  static async start(
    options: KyuOptions,
    { clockAheadMs = 0 }: { clockAheadMs?: number } = {},
  ): Promise<KyuChild> {
    const entry = await (built ??= compileEntry(ENTRY));
    const child = new KyuChild(
      fork(entry, [JSON.stringify(options)], {
        execArgv: clockAheadMs === 0 ? [] : ['--import', clock(clockAheadMs)],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
    await child.says('ready');
    return child;
  }

  /** The first report of this kind, and of this job if one is named. */
  says<K extends ChildReport['kind']>(
    kind: K,
    id?: string,
    timeoutMs = 15_000,
  ): Promise<Extract<ChildReport, { kind: K }>> {
    return until(
      `the process to report "${kind}"`,
      () => {
        if (this.process.exitCode !== null)
          throw new Error(`it has ended with ${this.process.exitCode}`);
        return this.heard(kind, id)[0];
      },
      timeoutMs,
    );
  }

  /** The reports of this kind so far, of this job if one is named. */
  heard<K extends ChildReport['kind']>(
    kind: K,
    id?: string,
  ): Extract<ChildReport, { kind: K }>[] {
    return this.reports.filter(
      (report): report is Extract<ChildReport, { kind: K }> =>
        report.kind === kind && (id === undefined || report.id === id),
    );
  }

  tell(message: 'open' | 'memory' | { enqueue: number }): void {
    this.process.send(message);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.exited;
    return this.process.signalCode ?? this.process.exitCode;
  }
}

/** A module that sets the clock of its process, before any other is loaded. */
const clock = (aheadMs: number): string =>
  `data:text/javascript,const now = Date.now; Date.now = () => now() + ${aheadMs};`;

afterEach(async () => {
  await Promise.all(
    [...children].map((child) => {
      child.kill('SIGKILL');
      return child.ended();
    }),
  );
});
