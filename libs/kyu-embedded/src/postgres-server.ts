import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PortTakenError, withPort } from './free-port.js';
import type { RunningServer, StartPostgres } from './keeper-messages.js';
import { messageOf } from './message-of.js';
import { postgresBinaries } from './postgres-binaries.js';
import {
  firstClosedFolder,
  postgresUser,
  type PostgresUser,
} from './postgres-user.js';
import { ServerProcess } from './server-process.js';

/**
 * The data is thrown away, so the disk is spared: no fsync, no full pages. synchronous_commit stays on, so that a
 * commit means to the program what it means in production.
 */
const DEFAULTS: Record<string, string> = {
  fsync: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
};

/** Makes a new database cluster in `folder` and serves it on 127.0.0.1. */
export async function startPostgresServer(
  { port: fixed, settings }: StartPostgres,
  folder: string,
): Promise<RunningServer> {
  const user = await postgresUser();
  const { initdb, postgres } = await postgresBinaries();
  const data = path.join(folder, 'data');
  const options = { ...user, cwd: folder, env: environment() };
  const run = (name: string, file: string, args: string[]): ServerProcess =>
    new ServerProcess(name, file, args, options);
  try {
    const password = randomBytes(12).toString('hex');
    const passwordFile = path.join(folder, 'password');
    await mkdir(folder, { mode: 0o700 });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await giveTo(user, folder, passwordFile);

    const version = run('PostgreSQL', postgres, ['--version']);
    const init = run('initdb of PostgreSQL', initdb, [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ]);
    await Promise.all([version.finished(), init.finished()]);
    await rm(passwordFile);

    const flags = Object.entries({ ...DEFAULTS, ...settings }).flatMap(
      ([name, value]) => ['-c', `${name}=${value}`],
    );
    return await withPort(fixed, async (port) => {
      const server = run('PostgreSQL', postgres, [
        `-D${data}`,
        `-p${port}`,
        ...flags,
      ]);
      await server.ready(() => isReady(data));
      return {
        url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
        description: `PostgreSQL ${/\d[\d.]*/.exec(version.log.text)?.[0] ?? ''} (embedded)`,
        // SIGINT: ends the sessions and stops, with the error code clients know from any restart (57P01).
        stop: () => server.stop('SIGINT', 'SIGQUIT'),
      };
    });
  } catch (error) {
    throw await explain(error, user, [initdb, data]);
  }
}

/** As pg_ctl does: the last line of postmaster.pid. Unlike the log, no setting and no language changes it. */
async function isReady(data: string): Promise<boolean> {
  const file = path.join(data, 'postmaster.pid');
  const lines = await readFile(file, 'utf8').catch(() => '');
  return lines.split('\n')[7]?.trim() === 'ready';
}

/** PGPORT, PGDATA, PGOPTIONS… of the program are about another server; messages in English, as we look into them. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([k]) => !k.startsWith('PG'));
  return { ...Object.fromEntries(own), LC_ALL: 'C' };
}

async function giveTo(
  user: PostgresUser | undefined,
  ...files: string[]
): Promise<void> {
  if (user) for (const file of files) await chown(file, user.uid, user.gid);
}

/** Adds what to do about the failures that people meet. */
async function explain(
  error: unknown,
  user: PostgresUser | undefined,
  files: string[],
): Promise<Error> {
  const message = messageOf(error);
  if (error instanceof PortTakenError)
    return new Error(`${message}\nLeave out "port" to get a free one.`);
  for (const file of user ? files : []) {
    const closed = await firstClosedFolder(file, user!).catch(() => undefined);
    if (closed === undefined) continue;
    return new Error(
      `${message}\nThis program runs as root, so PostgreSQL runs as the user "postgres", who may not pass ${closed}. ` +
        `Allow it (chmod o+x ${closed}), move the project or TMPDIR elsewhere, or do not run as root.`,
    );
  }
  if (/ENOENT/.test(message))
    return new Error(
      `${message}\nThe binaries need glibc: on Alpine Linux use a server of your own (KYU_POSTGRES_URL).`,
    );
  return error instanceof Error ? error : new Error(message);
}
