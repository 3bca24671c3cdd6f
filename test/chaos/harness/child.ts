import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  SETTINGS_VARIABLE,
  type AppMessage,
  type AppSettings,
  type HarnessMessage,
} from '../app/settings.js';

const ENTRIES = {
  worker: fileURLToPath(new URL('../app/worker.main.js', import.meta.url)),
  producer: fileURLToPath(new URL('../app/producer.main.js', import.meta.url)),
  canceller: fileURLToPath(new URL('../app/producer.main.js', import.meta.url)),
  both: fileURLToPath(new URL('../app/producer.main.js', import.meta.url)),
};

/** Every process that was started and has not ended: by these pids and no others the suite cleans up. */
const living = new Set<Child>();

let over = false;

/** The suite ends: what ends now is not replaced. */
export const isOver = (): boolean => over;

export async function killAllChildren(): Promise<void> {
  over = true;
  const all = [...living];
  for (const child of all) child.signal('SIGKILL');
  await Promise.all(all.map(({ ended }) => ended));
}

export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One process of the system under test. It is ended by the pid that was recorded here, and no other. */
export class Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  end: ChildEnd | undefined;
  produced: number | undefined;
  private readonly process: ChildProcess;
  private isReady = false;

  constructor(
    readonly settings: AppSettings,
    logFile: string,
    /** It stops itself now, at a failpoint. */
    onStopping: (child: Child) => void,
  ) {
    const log = openSync(logFile, 'a');
    this.process = fork(ENTRIES[settings.role], {
      // A process group of its own: Ctrl-C is for the harness, which then ends its children.
      detached: true,
      execArgv: ['--enable-source-maps'],
      env: {
        ...withoutKyu(process.env),
        [SETTINGS_VARIABLE]: JSON.stringify(settings),
      },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.pid = this.process.pid!;
    living.add(this);
    this.ended = once(this.process, 'exit').then(([code, signal]) => {
      living.delete(this);
      this.end = { code, signal } as ChildEnd;
      return this.end;
    });
    this.process.on('error', () => undefined);
    this.process.on('message', (message: AppMessage) => {
      if ('ready' in message) this.isReady = true;
      if ('produced' in message) this.produced = message.produced;
      if ('stopping' in message) onStopping(this);
    });
  }

  get alive(): boolean {
    return this.end === undefined;
  }

  get ready(): boolean {
    return this.isReady && this.alive;
  }

  get wasReady(): boolean {
    return this.isReady;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.process.kill(signal);
  }

  /** Its failpoints are over. */
  disarm(): void {
    const message: HarnessMessage = { disarm: true };
    if (this.process.connected) this.process.send(message, () => undefined);
  }

  /** SIGTERM, and its end; undefined when it did not end in time, and had to be killed. */
  async terminate(patienceMs: number): Promise<ChildEnd | undefined> {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const end = await Promise.race([
      this.ended,
      sleep(patienceMs, undefined, { ref: false }),
    ]);
    if (end) return end;
    this.signal('SIGKILL');
    await this.ended;
    return undefined;
  }
}

/** KYU_POSTGRES_URL and its like would be defaults of the module. */
const withoutKyu = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('KYU_')),
  );
