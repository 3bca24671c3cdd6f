import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type {
  Reply,
  Request,
  RunningServer,
  StartSpec,
} from './keeper-messages.js';
import { LogTail } from './log-tail.js';

type Started = Extract<Reply, { type: 'started' }>;
interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

let current: Keeper | undefined;

/** Starts a server in this program's keeper: the first one brings the keeper up, the last stop() ends it. */
export function startInKeeper(spec: StartSpec): Promise<RunningServer> {
  current ??= new Keeper();
  return current.start(spec);
}

/**
 * The program's side of the keeper process. It holds the program's event loop only while an answer is awaited, so
 * a program that forgets to stop its servers still ends; the keeper sees that and cleans up (see keeper-process.ts).
 */
class Keeper {
  private readonly child: ChildProcess;
  private readonly log = new LogTail();
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private users = 0;
  /** Set once the process has ended. */
  private end: Error | undefined;

  constructor() {
    const entry = new URL('./keeper-process.js', import.meta.url);
    this.child = fork(fileURLToPath(entry), {
      // Its own process group: Ctrl-C in a terminal goes to the program's group.
      detached: true,
      // Not the program's folder, which may be about to be removed.
      cwd: tmpdir(),
      // A debugger or loader that was asked for the program is not for the keeper.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: undefined },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.log.follow(this.child.stderr);
    (this.child.stderr as unknown as { unref?(): void } | null)?.unref?.();
    this.child.on('message', (reply: Reply) => this.settle(reply));
    this.child.once('exit', (code, signal) => this.ended(signal ?? code));
    this.child.on('error', (error) => this.ended(error.message));
    this.letGo();
  }

  async start(spec: StartSpec): Promise<RunningServer> {
    const id = ++this.lastId;
    this.users++;
    try {
      const reply = await this.ask({ type: 'start', id, spec });
      const { url, description } = reply as Started;
      let stopping: Promise<void> | undefined;
      const stop = (): Promise<void> => (stopping ??= this.stop(id));
      return { url, description, stop };
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  private async stop(id: number): Promise<void> {
    try {
      await this.ask({ type: 'stop', id });
    } finally {
      await this.release();
    }
  }

  /** The last one out ends the keeper, and waits for it: then the folder is gone too. */
  private async release(): Promise<void> {
    if (--this.users > 0) return;
    if (current === this) current = undefined;
    if (this.end) return;
    const exit = once(this.child, 'exit');
    this.child.ref();
    if (this.child.connected) this.child.disconnect();
    await exit;
  }

  private ask(request: Request): Promise<Reply> {
    if (this.end) return Promise.reject(this.end);
    return new Promise((resolve, reject) => {
      this.waiting.set(request.id, { resolve, reject });
      this.child.ref();
      this.child.channel?.ref();
      this.child.send(request, (error) => error && this.ended(error.message));
    });
  }

  private settle(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.letGo();
    if (reply.type === 'failed') waiting?.reject(new Error(reply.message));
    else waiting?.resolve(reply);
  }

  private letGo(): void {
    this.child.unref();
    this.child.channel?.unref();
  }

  private ended(how: string | number | null): void {
    if (current === this) current = undefined;
    const log = this.log.text;
    this.end ??= new Error(
      `The keeper of the embedded servers (process ${this.child.pid}) has ended (${how}); servers of its may still run.${
        log === '' ? '' : ` Its last log lines:\n${log}`
      }`,
    );
    for (const waiting of this.waiting.values()) waiting.reject(this.end);
    this.waiting.clear();
  }
}
