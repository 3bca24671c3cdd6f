import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Argument, Reply, Request, Result, Tasks } from './tasks.js';

const STOP_GRACE_MS = 10_000;

/** Every program that was started and has not ended: by these and no others a run cleans up. */
const living = new Set<{ kill(): Promise<void> }>();

export async function killAllPrograms(): Promise<void> {
  await Promise.all([...living].map((program) => program.kill()));
}

/** A process of its own that answers the tasks of `T`; its entry calls `serve()`. All of them run on the Node that runs the bench. */
export class Program<T extends Tasks> {
  private readonly waiting = new Map<
    number,
    { resolve(result: unknown): void; reject(error: Error): void }
  >();
  private readonly started: Promise<void>;
  private readonly ended: Promise<unknown>;
  private lastId = 0;
  private output = '';

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    living.add(this);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-4_000);
      });
    let ready: () => void;
    let failed: (error: Error) => void;
    this.started = new Promise((resolve, reject) => {
      ready = resolve;
      failed = reject;
    });
    child.on('message', (reply: Reply) => {
      if ('ready' in reply) return ready();
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if ('error' in reply)
        waiting?.reject(new Error(`${this.name}: ${reply.error}`));
      else waiting?.resolve(reply.result);
    });
    child.on('error', () => undefined);
    this.ended = once(child, 'exit').then(([code, signal]) => {
      living.delete(this);
      const error = new Error(
        `${this.name} has ended (${signal ?? `exit code ${code}`}). Its last output:\n${this.output}`,
      );
      failed(error);
      for (const waiting of this.waiting.values()) waiting.reject(error);
      this.waiting.clear();
    });
  }

  /** Starts `entry` and waits until it serves. `env` replaces the environment's names that are given. */
  static async start<T extends Tasks>(
    name: string,
    entry: URL,
    env: Record<string, string | undefined> = {},
    execArgv: string[] = [],
  ): Promise<Program<T>> {
    const child = fork(fileURLToPath(entry), {
      // A process group of its own: Ctrl-C is for the bench, which then ends its programs.
      detached: true,
      execArgv,
      env: { ...withoutKyu(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const program = new Program<T>(name, child);
    await program.started;
    return program;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get log(): string {
    return this.output;
  }

  ask<K extends keyof T & string>(
    task: K,
    ...[argument]: Argument<T, K>
  ): Promise<Result<T, K>> {
    const id = ++this.lastId;
    const request: Request = { id, task, argument };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, {
        resolve: (result) => resolve(result as Result<T, K>),
        reject,
      });
      this.child.send(request, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** `signal`, and the end of it; SIGKILL if it takes too long. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    const grace = new AbortController();
    await Promise.race([
      this.ended,
      sleep(STOP_GRACE_MS, undefined, { signal: grace.signal }).catch(
        () => undefined,
      ),
    ]);
    grace.abort();
    await this.kill();
  }

  async kill(): Promise<void> {
    if (living.has(this)) this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** KYU_POSTGRES_URL and its like would be defaults of the module. */
const withoutKyu = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('KYU_')),
  );
