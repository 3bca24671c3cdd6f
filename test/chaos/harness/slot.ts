import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppSettings } from '../app/settings.js';
import { Child, isOver, type ChildEnd } from './child.js';
import type { FaultLog } from './fault-log.js';
import type { Wire } from './wire.js';

/** Between the end of a process and its successor, as of a supervisor. */
const RESPAWN_MS = 200;
/** A process that stopped itself at a failpoint is woken after a time between these. */
const WAKE_MS = [300, 4_000] as const;

export interface Wires {
  postgres: Wire;
  redis: Wire;
}

/** A place in the fleet: one process at a time, with wires of its own to both servers. What ends is replaced while the slot is kept alive. */
export class Slot {
  child: Child | undefined;
  /** Processes that ended in a way that nobody had caused. */
  readonly surprises: string[] = [];
  private kept = false;
  private disarmed = false;
  private incarnations = 0;
  private stopped: (() => void) | undefined;
  private readonly killed = new WeakSet<Child>();

  constructor(
    readonly name: string,
    readonly role: AppSettings['role'],
    readonly wires: Wires,
    private readonly settingsFor: (incarnation: string) => AppSettings,
    private readonly logFile: string,
    private readonly faults: FaultLog,
    private readonly random: () => number,
  ) {}

  start(): void {
    this.kept = true;
    this.spawn();
  }

  get ready(): boolean {
    return this.child?.ready === true;
  }

  /** The end of its log, for the case that it does not boot. */
  get lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-1_000);
  }

  kill(): void {
    const { child } = this;
    if (!child?.alive) return;
    this.killed.add(child);
    this.faults.count('SIGKILL at random');
    this.faults.note('SIGKILL', 'process', child.pid);
    child.signal('SIGKILL');
  }

  /** SIGSTOP, until wake(). */
  pause(): void {
    const { child } = this;
    if (!child?.alive || this.stopped) return;
    child.signal('SIGSTOP');
    this.noteStopped(child, 'SIGSTOP at random');
  }

  /** SIGSTOP, and SIGCONT after a while. */
  async freeze(forMs: number): Promise<void> {
    this.pause();
    await sleep(forMs);
    this.wake();
  }

  wake(): void {
    this.stopped?.();
    this.stopped = undefined;
    this.child?.signal('SIGCONT');
  }

  /** No more failpoints, neither in this process nor in those that follow it. */
  disarm(): void {
    this.disarmed = true;
    this.child?.disarm();
  }

  /** SIGTERM: a graceful stop. Its successor starts if the slot is kept. */
  async restart(patienceMs: number): Promise<ChildEnd | undefined> {
    const { child } = this;
    if (!child?.alive) return undefined;
    this.wake();
    this.faults.count('SIGTERM');
    const over = this.faults.begin('SIGTERM', 'process', child.pid);
    const wasReady = child.ready;
    const end = await child.terminate(patienceMs);
    over();
    if (!end) {
      this.killed.add(child);
      this.faults.note('SIGKILL', 'process', child.pid);
    }
    const shot = this.killed.has(child) || child.settings.failpoints.length > 0;
    if (wasReady && end?.code !== 0 && !(end?.signal === 'SIGKILL' && shot))
      this.surprises.push(
        `${child.settings.name} (pid ${child.pid}): after SIGTERM it ${end ? `ended with ${end.signal ?? `code ${end.code}`}` : `did not end within ${patienceMs} ms`}`,
      );
    return end;
  }

  /** As restart(), and nobody follows. */
  async stop(patienceMs: number): Promise<void> {
    this.kept = false;
    await this.restart(patienceMs);
  }

  /** At once, for the cleaning up. */
  async destroy(): Promise<void> {
    this.kept = false;
    const { child } = this;
    if (child?.alive) {
      this.killed.add(child);
      child.signal('SIGKILL');
      await child.ended;
    }
    await Promise.all([this.wires.postgres.close(), this.wires.redis.close()]);
  }

  private spawn(): void {
    const name = `${this.name}.${++this.incarnations}`;
    const settings = this.settingsFor(name);
    const child = new Child(
      this.disarmed ? { ...settings, failpoints: [] } : settings,
      this.logFile,
      (stopping) => {
        if (this.child !== stopping || this.stopped) return;
        this.noteStopped(stopping, 'SIGSTOP at a failpoint');
        const [min, max] = WAKE_MS;
        void sleep(min + this.random() * (max - min)).then(() => {
          if (this.child === stopping) this.wake();
        });
      },
    );
    this.child = child;
    void child.ended.then((end) => this.ended(child, end));
  }

  private noteStopped(child: Child, kind: string): void {
    this.faults.count(kind);
    this.stopped = this.faults.begin('SIGSTOP', 'process', child.pid);
  }

  private async ended(child: Child, end: ChildEnd): Promise<void> {
    this.stopped?.();
    this.stopped = undefined;
    this.faults.note('exit', 'process', child.pid);
    if (end.signal === 'SIGKILL' && !this.killed.has(child))
      this.faults.count('SIGKILL at a failpoint');
    // Code 1 before it was ready is a boot that failed, as it must while Postgres is away.
    if (this.kept && child.wasReady && end.code !== null && end.code !== 0)
      this.surprises.push(
        `${child.settings.name} (pid ${child.pid}) ended by itself with code ${end.code}`,
      );
    if (child.produced !== undefined) return;
    await sleep(RESPAWN_MS);
    if (this.kept && this.child === child && !isOver()) this.spawn();
  }
}
