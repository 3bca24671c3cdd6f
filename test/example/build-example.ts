import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { POSTGRES_URL } from '../support/servers.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = [
  'apps/example',
  'libs/kyu/src',
  'libs/kyu-embedded/src',
  'libs/kyu-testing/src',
];

/** The built file of an entry of the example. */
export const builtEntry = (
  name: 'src/main' | 'src/demo' | 'test/shop.test',
): string => path.join(ROOT, `dist/apps/example/apps/example/${name}.js`);

/**
 * Builds the example unless it is built. It runs as processes of its own and not in Jest, which cannot load
 * @willsoto/nestjs-prometheus on Node 20. One test file at a time, by a lock that ends with its holder: a build begins with removing the old one.
 */
export async function buildExample(): Promise<void> {
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtext('build example'))");
    if (isStale())
      await promisify(execFile)('npx', ['nest', 'build', 'example'], {
        cwd: ROOT,
      });
  } finally {
    await client.end();
  }
}

function isStale(): boolean {
  const built = statSync(builtEntry('src/main'), { throwIfNoEntry: false });
  if (!built) return true;
  return SOURCES.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), {
      recursive: true,
      withFileTypes: true,
    }),
  ).some(
    (entry) =>
      entry.isFile() &&
      statSync(path.join(entry.parentPath, entry.name)).mtimeMs > built.mtimeMs,
  );
}
