import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PARENT = fileURLToPath(new URL('./parent.mjs', import.meta.url));
const DEADLINE_MS = 20_000;

/** A temporary folder for the servers of one test, so that "nothing is left" means: it is empty. */
export function privateTmp(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'kyu-embedded-test-'));
  chmodSync(folder, 0o755); // root's postgres runs as another user, who has to get in
  return folder;
}

/** parent.mjs as a process, with what it started as seen from outside. */
export class Program {
  readonly lines: string[] = [];
  private readonly exited: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcess,
    readonly tmp: string,
  ) {
    this.exited = once(child, 'exit');
    createInterface({ input: child.stdout! }).on('line', (line) =>
      this.lines.push(line),
    );
  }

  /** In a process group of its own, so that a signal to that group is what a terminal's Ctrl-C is. */
  static run(ending: string, env: NodeJS.ProcessEnv = {}): Program {
    const tmp = privateTmp();
    const child = spawn(process.execPath, [PARENT, ending], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...env, TMPDIR: tmp },
    });
    return new Program(child, tmp);
  }

  /** The first line it writes: its servers are up. */
  async servers(): Promise<{ postgresUrl: string; redisUrl: string }> {
    await until('the servers are up', () => this.lines.length > 0);
    return JSON.parse(this.lines[0]!) as never;
  }

  /** Pid of the keeper, which is the program's only child. */
  async keeper(): Promise<number> {
    let keeper: number | undefined;
    await until('the keeper is up', async () => {
      keeper = (await processes()).find((p) => p.parent === this.child.pid)?.id;
      return keeper !== undefined;
    });
    return keeper!;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  ctrlC(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }

  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.exited;
    return this.child.signalCode ?? this.child.exitCode;
  }
}

/** Nothing of a keeper is left: no process in its group, no open port, nothing in the folder. */
export async function expectNothingLeft(
  tmp: string,
  keeper?: number,
  urls: string[] = [],
): Promise<void> {
  await until('all processes have ended', async () =>
    (await processes()).every((p) => p.group !== keeper),
  );
  for (const url of urls)
    await until(`the port of ${new URL(url).port} is closed`, async () =>
      isClosed(Number(new URL(url).port)),
    );
  await until('the folder is empty', () => readdirSync(tmp).length === 0);
}

export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await sleep(20);
  }
}

/** Without zombies: they have ended, and only wait for someone to take note, which process 1 of a container may not. */
export async function processes(): Promise<
  { id: number; parent: number; group: number }[]
> {
  const columns = ['-A', '-o', 'pid=,ppid=,pgid=,stat='];
  const { stdout } = await promisify(execFile)('ps', columns);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => !state?.startsWith('Z'))
    .map(([id, parent, group]) => ({
      id: Number(id),
      parent: Number(parent),
      group: Number(group),
    }));
}

function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (closed: boolean): void => {
      socket.destroy();
      resolve(closed);
    };
    socket.once('connect', () => settle(false));
    socket.once('error', () => settle(true));
  });
}
