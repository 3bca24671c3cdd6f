import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from '@kyu/testing';
import { builtEntry } from './build-example.js';

const running = new Set<ShopProcess>();

/** The built example as a process, with what it writes. */
export class ShopProcess {
  readonly lines: string[] = [];
  /** How long it ran; known once it has ended. */
  tookMs = Number.NaN;
  private readonly exited: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    running.add(this);
    // `close` and not `exit`: after it, all output has come.
    const startedAt = performance.now();
    this.exited = once(child, 'close').then(() => {
      this.tookMs = performance.now() - startedAt;
      running.delete(this);
    });
    for (const output of [child.stdout!, child.stderr!])
      createInterface({ input: output }).on('line', (line) =>
        this.lines.push(line),
      );
  }

  /** `env` is all of Kyu's environment; nothing comes from the one of the tests. */
  static start(
    entry: 'main' | 'demo',
    env: Record<string, string>,
    args: string[] = [],
  ): ShopProcess {
    const outside = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('KYU_'),
    );
    return new ShopProcess(
      spawn(process.execPath, [builtEntry(`src/${entry}`), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true, // a process group, so that ctrlC() can be what a terminal does
        env: { ...Object.fromEntries(outside), NO_COLOR: '1', ...env },
      }),
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** The first match in what it writes. */
  async says(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    try {
      return await until(
        `${String(pattern)} in the output`,
        () => {
          const match = pattern.exec(this.output);
          if (!match && this.child.exitCode !== null)
            throw new Error(`It has ended with ${this.child.exitCode}.`);
          return match;
        },
        timeoutMs,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message} It said:\n${this.output}`, {
        cause: error,
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** To all of its processes, as a terminal does. */
  ctrlC(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.exited;
    return this.child.signalCode ?? this.child.exitCode;
  }
}

/** After a test that failed in the middle. */
export async function endAllShops(): Promise<void> {
  await Promise.all(
    [...running].map((shop) => {
      shop.kill('SIGKILL');
      return shop.ended();
    }),
  );
}
