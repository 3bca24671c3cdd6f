import {
  spawn,
  type ChildProcess,
  type SpawnOptions,
} from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PortTakenError } from './free-port.js';
import { LogTail } from './log-tail.js';

const POLL_MS = 10;
/** Far above the usual second, as slow machines and busy CI runners exist; below the patience of a person. */
const START_DEADLINE_MS = 60_000;
/** What a signal gets before the next, stronger one. */
const STOP_GRACE_MS = 5_000;

/** One process of a server, from its start to its end, with the last lines of its log. */
export class ServerProcess {
  readonly log = new LogTail();
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  /** How it ended, e.g. `exit code 1`; undefined while it runs. */
  private end: string | undefined;

  constructor(
    readonly name: string,
    file: string,
    args: string[],
    options: SpawnOptions = {},
  ) {
    this.child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    this.log.follow(this.child.stdout).follow(this.child.stderr);
    this.ended = new Promise((resolve) => {
      const settle = (end: string): void => {
        this.end ??= end;
        resolve();
      };
      this.child.once('close', (code, signal) =>
        settle(signal ? `ended by ${signal}` : `exit code ${code}`),
      );
      this.child.on('error', (error) => {
        if (this.child.pid === undefined) settle(error.message);
      });
    });
  }

  /** Waits for the end of a process that is meant to end by itself. */
  async finished(): Promise<void> {
    const deadline = new AbortController();
    await Promise.race([
      this.ended,
      sleep(START_DEADLINE_MS, undefined, { signal: deadline.signal }),
    ]).finally(() => deadline.abort());
    if (this.end === 'exit code 0') return;
    const failure = this.failure();
    await this.stop();
    throw failure;
  }

  /** Waits until `isReady`, asked again and again; a process that ends before has failed. */
  async ready(isReady: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (this.end === undefined && Date.now() < deadline) {
      if (await isReady()) return;
      await sleep(POLL_MS);
    }
    const failure = this.failure();
    await this.stop();
    throw failure;
  }

  /** Sends the signals one after the other, the last one being SIGKILL, until the process has ended. */
  async stop(...signals: NodeJS.Signals[]): Promise<void> {
    for (const signal of [...signals, 'SIGKILL'] as const) {
      if (this.end !== undefined) return;
      this.child.kill(signal);
      const grace = new AbortController();
      await Promise.race([
        this.ended,
        sleep(STOP_GRACE_MS, undefined, { signal: grace.signal }),
      ]).finally(() => grace.abort());
    }
  }

  private failure(): Error {
    const log = this.log.text;
    const what = this.end ?? `not ready after ${START_DEADLINE_MS / 1000} s`;
    const message = `${this.name} did not start (${what}).${
      log === '' ? '' : ` Its last log lines:\n${log}`
    }`;
    return /address already in use|EADDRINUSE/i.test(log)
      ? new PortTakenError(message)
      : new Error(message);
  }
}
