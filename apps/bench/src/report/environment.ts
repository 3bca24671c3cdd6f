import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { CONFIGURATIONS } from '../contestants/configurations.js';
import { CONTESTANTS } from '../contestants/names.js';
import type { Ground } from '../harness/ground.js';

/** What somebody needs to know to doubt the numbers, or to get them again. */
export interface Environment {
  date: string;
  command: string;
  rounds: number;
  quick: boolean;
  /** Where the servers came from. */
  servers: string;
  hardware: Record<string, string>;
  versions: Record<string, string>;
  postgresSettings: Record<string, string>;
  redisSettings: Record<string, string>;
}

const POSTGRES_SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'max_connections',
  'autovacuum',
];

const REDIS_SETTINGS = ['appendonly', 'appendfsync', 'save', 'maxmemory'];

export async function describeEnvironment(
  { postgres, redis }: Ground,
  run: Pick<Environment, 'command' | 'rounds' | 'quick' | 'servers'>,
): Promise<Environment> {
  const settings = await postgres.query<{ name: string; setting: string }>(
    'SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY($1) ORDER BY name',
    [POSTGRES_SETTINGS],
  );
  const { rows } = await postgres.query<{ server_version: string }>(
    'SHOW server_version',
  );
  const info = await redis.info('server');
  const [cpu] = os.cpus();
  return {
    date: new Date().toISOString(),
    ...run,
    command: `${run.command} (of commit ${commit()})`,
    hardware: {
      processor: cpu?.model.trim() ?? 'unknown',
      cores: String(os.cpus().length),
      memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
      system: `${os.type()} ${os.release()} ${os.arch()}`,
    },
    versions: {
      node: process.versions.node,
      PostgreSQL: rows[0]!.server_version,
      Redis: redisVersion(info),
      ...packageVersions(),
    },
    postgresSettings: Object.fromEntries(
      settings.rows.map(({ name, setting }) => [name, setting]),
    ),
    redisSettings: await redisSettings(redis),
  };
}

/** With its name: Valkey says beside its own version which one of Redis it is compatible with. */
function redisVersion(info: string): string {
  const valkey = /valkey_version:([\d.]+)/.exec(info)?.[1];
  if (valkey !== undefined) return `Valkey ${valkey}`;
  return `Redis ${/redis_version:([\d.]+)/.exec(info)?.[1] ?? 'unknown'}`;
}

/** Which Kyu it was: its version says little between two releases. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ', with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

function packageVersions(): Record<string, string> {
  const names = CONTESTANTS.flatMap((name) => CONFIGURATIONS[name].packages);
  return Object.fromEntries(
    [...new Set(names)].map((name) => {
      // Not by require(): some packages do not export their package.json.
      const file = new URL(
        `../../../../../node_modules/${name}/package.json`,
        import.meta.url,
      );
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as {
        version: string;
      };
      return [name, version];
    }),
  );
}

/** Hosted ones may forbid to ask. */
async function redisSettings(
  redis: Ground['redis'],
): Promise<Record<string, string>> {
  const pairs = await Promise.all(
    REDIS_SETTINGS.map(async (name) => {
      const answer = await redis.config('GET', name).catch(() => undefined);
      const value = (answer as string[] | undefined)?.[1];
      return [name, value === undefined ? 'unknown' : value || '(empty)'];
    }),
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}
