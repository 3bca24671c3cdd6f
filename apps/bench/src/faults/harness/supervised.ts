import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../../../../../test/chaos/app/ledger.js';
import { SETTINGS_VARIABLE, type AppSettings } from '../app/settings.js';

const ENTRIES = {
  worker: new URL('../app/worker.main.js', import.meta.url),
  producer: new URL('../app/producer.main.js', import.meta.url),
};
/** Between the end of a process and its successor, as of a supervisor in production. */
const RESPAWN_MS = 200;

/** Every process that was started and has not ended: by these pids and no others a run cleans up. */
const living = new Set<ChildProcess>();
let over = false;

export async function killAllProcesses(): Promise<void> {
  over = true;
  await Promise.all(
    [...living].map((child) => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      return ended;
    }),
  );
}

interface Incarnation {
  name: string;
  child: ChildProcess;
  ready: boolean;
  ended: Promise<unknown>;
}

/** A worker or a producer and whoever follows it, one at a time: what ends is started anew, unless it has done its work. */
export class Supervised {
  /** When each incarnation was seen to have ended. */
  readonly deaths = new Map<string, number>();
  /** Ends, of processes that were up, that nobody here had caused. */
  surprises = 0;
  private current: Incarnation | undefined;
  private kept = true;
  private started = 0;
  private readonly expected = new Set<string>();

  constructor(
    readonly name: string,
    private readonly settingsFor: (process: string) => AppSettings,
    private readonly logFile: string,
  ) {
    this.spawn();
  }

  get ready(): boolean {
    return this.current?.ready === true;
  }

  /** The name of the incarnation that lives, if one does. */
  get process(): string | undefined {
    return this.current?.name;
  }

  /** The end of its log, for the case that it does not boot. */
  get lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-1_500);
  }

  /** SIGKILL. Returns whom it hit, and when. */
  kill(): { process: string; mono: number } {
    const { name, child } = this.current!;
    this.expected.add(name);
    const mono = monotonicMs();
    child.kill('SIGKILL');
    return { process: name, mono };
  }

  /** Has done its work and ended, without a successor. */
  get done(): boolean {
    return this.current === undefined && !this.kept;
  }

  /** SIGTERM, and SIGKILL for what does not end of that. */
  async stop(patienceMs: number): Promise<void> {
    this.kept = false;
    const { current } = this;
    if (!current) return;
    this.expected.add(current.name);
    current.child.kill('SIGTERM');
    await Promise.race([
      current.ended,
      sleep(patienceMs, undefined, { ref: false }),
    ]);
    current.child.kill('SIGKILL');
    await current.ended;
  }

  private spawn(): void {
    const name = `${this.name}.${++this.started}`;
    const settings = this.settingsFor(name);
    const log = openSync(this.logFile, 'a');
    const child = fork(fileURLToPath(ENTRIES[settings.role]), {
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
    living.add(child);
    child.on('error', () => undefined);
    const ended = once(child, 'exit');
    const incarnation: Incarnation = { name, child, ready: false, ended };
    child.once('message', () => (incarnation.ready = true));
    this.current = incarnation;
    void ended.then(([code, signal]) =>
      this.ended(incarnation, signal ?? code),
    );
  }

  private ended({ name, child, ready }: Incarnation, how: unknown): void {
    this.deaths.set(name, monotonicMs());
    living.delete(child);
    this.current = undefined;
    if (this.settingsFor(name).role === 'producer' && how === 0)
      this.kept = false;
    // One that is not up yet cannot come up while its store is away.
    else if (ready && !this.expected.has(name)) this.surprises++;
    setTimeout(() => {
      if (this.kept && !this.current && !over) this.spawn();
    }, RESPAWN_MS);
  }
}

/** KYU_POSTGRES_URL and its like would be defaults of the module. */
const withoutKyu = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('KYU_')),
  );
