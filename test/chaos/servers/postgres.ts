import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../../../libs/kyu-embedded/src/free-port.js';
import { postgresBinaries } from '../../../libs/kyu-embedded/src/postgres-binaries.js';
import {
  postgresUser,
  type PostgresUser,
} from '../../../libs/kyu-embedded/src/postgres-user.js';
import { ServerProcess } from '../../../libs/kyu-embedded/src/server-process.js';

/** Unlike the embedded server of the demo, this one keeps what it has committed: the whole suite rests on that. */
const SETTINGS: Record<string, string> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  // A crash then has something to recover, and the recovery still takes no longer than a second.
  checkpoint_timeout: '1min',
  log_min_messages: 'fatal',
};

const OWNER = 'postgres';

/** A PostgreSQL of the suite's own that can crash, and come back on the same port with the same data. */
export class PostgresController {
  private process: ServerProcess | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    private readonly user: PostgresUser | undefined,
    private readonly port: number,
    private readonly password: string,
  ) {}

  static async make(folder: string): Promise<PostgresController> {
    const user = await postgresUser();
    const { initdb, postgres } = await postgresBinaries();
    const password = randomBytes(12).toString('hex');
    const passwordFile = path.join(folder, 'password');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user)
      for (const file of [folder, passwordFile])
        await chown(file, user.uid, user.gid);
    const init = new ServerProcess(
      'initdb of PostgreSQL',
      initdb,
      [
        `--pgdata=${path.join(folder, 'data')}`,
        `--username=${OWNER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
      ],
      { ...user, cwd: folder, env: environment() },
    );
    await init.finished();
    await rm(passwordFile);
    return new PostgresController(
      postgres,
      folder,
      user,
      await freePort(),
      password,
    );
  }

  /** Straight to the server, as its owner. */
  get url(): string {
    return this.urlFor(OWNER);
  }

  urlFor(role: string): string {
    return `postgres://${role}:${this.password}@127.0.0.1:${this.port}/postgres`;
  }

  /** Roles that the suite makes have the owner's password: one secret, which dies with the folder. */
  get rolePassword(): string {
    return this.password;
  }

  async start(): Promise<void> {
    const data = path.join(this.folder, 'data');
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    this.process = new ServerProcess(
      'PostgreSQL',
      this.binary,
      [`-D${data}`, `-p${this.port}`, ...settings],
      // A process group of its own: Ctrl-C is for the suite, which then stops its servers.
      { ...this.user, cwd: this.folder, env: environment(), detached: true },
    );
    await this.process.ready(() => isReady(data));
  }

  /** As by `pg_ctl stop -m immediate`: no session is ended properly, nothing is written any more; the next start recovers from the log. */
  async crash(): Promise<void> {
    await this.process?.stop('SIGQUIT');
  }

  async stop(): Promise<void> {
    await this.process?.stop('SIGINT', 'SIGQUIT');
    this.process = undefined;
  }
}

/** As pg_ctl does: the last line of postmaster.pid. */
async function isReady(data: string): Promise<boolean> {
  const file = path.join(data, 'postmaster.pid');
  const lines = await readFile(file, 'utf8').catch(() => '');
  return lines.split('\n')[7]?.trim() === 'ready';
}

/** PGPORT, PGDATA, PGOPTIONS… of this process are about another server. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([k]) => !k.startsWith('PG'));
  return { ...Object.fromEntries(own), LC_ALL: 'C' };
}
