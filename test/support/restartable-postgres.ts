import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { startEmbeddedPostgres, type EmbeddedServer } from '@kyu/embedded';
import { until } from '@kyu/testing';
import { runSql } from './boot-app.js';

/** A private PostgreSQL that can crash and come back with its data, on the same port. */
export class RestartablePostgres {
  private again: ChildProcess | undefined;

  private constructor(
    private readonly embedded: EmbeddedServer,
    private readonly data: string,
  ) {}

  static async start(
    settings: Record<string, string> = {},
  ): Promise<RestartablePostgres> {
    const embedded = await startEmbeddedPostgres({ settings });
    const [row] = await runSql<{ folder: string }>(
      `SELECT current_setting('data_directory') AS folder`,
      [],
      embedded.url,
    );
    return new RestartablePostgres(embedded, row!.folder);
  }

  get url(): string {
    return this.embedded.url;
  }

  /** As a power cut for the server: what was not flushed is lost, sessions end without a word. */
  crash(): Promise<void> {
    return this.end('SIGQUIT');
  }

  /** Starts again on the same data, with the same flags. */
  async restart(): Promise<void> {
    // postmaster.opts is the last command line: "/path/postgres" "-D…" …
    const line = await readFile(
      path.join(this.data, 'postmaster.opts'),
      'utf8',
    );
    const [file, ...args] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(
      (match) => match[1] ?? match[2]!,
    );
    const { uid, gid } = await stat(this.data);
    const asOwner = process.getuid?.() === 0 ? { uid, gid } : {};
    this.again = spawn(file!, args, {
      ...asOwner,
      cwd: this.data,
      stdio: 'ignore',
      env: { ...process.env, LC_ALL: 'C' },
    });
    await until('PostgreSQL to accept connections again', () =>
      runSql('SELECT 1', [], this.url),
    );
  }

  /** Ends it and removes the data. */
  async stop(): Promise<void> {
    if (this.again) await this.end('SIGQUIT');
    await this.embedded.stop();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const pidFile = await readFile(
      path.join(this.data, 'postmaster.pid'),
      'utf8',
    ).catch(() => '');
    if (pidFile === '') return;
    const pid = Number(pidFile.split('\n')[0]);
    const { again } = this;
    const exited =
      again && again.exitCode === null ? once(again, 'exit') : null;
    process.kill(pid, signal);
    this.again = undefined;
    await exited;
    await until('PostgreSQL to be gone', () => !isAlive(pid));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
