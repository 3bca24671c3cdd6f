import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { until } from '@kyu/testing';
import { runSql } from './boot-app.js';
import { POSTGRES_URL } from './servers.js';

const BINARY = ['/usr/sbin', ...(process.env.PATH ?? '').split(path.delimiter)]
  .map((folder) => path.join(folder, 'pgbouncer'))
  .find((file) => existsSync(file));

export const hasPgBouncer = BINARY !== undefined;

/**
 * `describe`, where PgBouncer is installed. Elsewhere a test that is seen to be skipped, and a line
 * on the console.
 */
export function describeWithPgBouncer(name: string, tests: () => void): void {
  if (BINARY) {
    describe(name, tests);
    return;
  }
  const reason =
    'NOT RUN: pgbouncer is not installed (apt-get install pgbouncer)';
  process.stderr.write(`\n${name}: ${reason}\n`);
  describe(name, () => {
    // eslint-disable-next-line jest/no-disabled-tests
    it.skip(reason, () => undefined);
  });
}

export interface PgBouncer {
  /** The test database through it, as the user of the test servers or as another one. */
  url: (as?: Login) => string;
}

interface Login {
  name: string;
  password: string;
}

const running: { child: ChildProcess; folder: string }[] = [];

/**
 * A private PgBouncer in front of the test server; it ends after the test. Few connections to the
 * server, so that clients have to share them.
 */
export async function startPgBouncer(
  poolMode: 'session' | 'transaction' | 'statement',
  {
    logins = [],
    poolSize = 4,
  }: { logins?: readonly Login[]; poolSize?: number } = {},
): Promise<PgBouncer> {
  const server = new URL(POSTGRES_URL);
  const own: Login = {
    name: decodeURIComponent(server.username),
    password: decodeURIComponent(server.password),
  };
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kyu-pgbouncer-'));
  await chmod(folder, 0o755); // it is read by the user that it runs as
  const users = path.join(folder, 'users.txt');
  const settings = path.join(folder, 'pgbouncer.ini');
  const port = await freePort();
  await writeFile(
    users,
    [own, ...logins]
      .map(({ name, password }) => `"${name}" "${password}"\n`)
      .join(''),
  );
  await writeFile(
    settings,
    `[databases]
* = host=${server.hostname} port=${server.port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
max_client_conn = 300
`,
  );
  // It refuses to run as root.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(BINARY!, ['-q', settings], {
    ...nobody,
    stdio: 'ignore',
  });
  running.push({ child, folder });
  const url = ({ name, password }: Login = own): string => {
    const through = new URL(POSTGRES_URL);
    through.port = String(port);
    through.username = name;
    through.password = password;
    return through.href;
  };
  await until('PgBouncer to answer', () => runSql('SELECT 1', [], url()));
  return { url };
}

// After those of start-kyu.ts and boot-app.ts, which close what uses it.
afterEach(async () => {
  for (const { child, folder } of running.splice(0)) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
