import { existsSync } from 'node:fs';

const library = new URL(
  '../../dist/libs/kyu-embedded/index.js',
  import.meta.url,
);

/** Before all tests: one PostgreSQL and one Redis. Jest's workers inherit where they are from the environment. */
export default async function globalSetup() {
  if (!existsSync(library))
    throw new Error(
      'dist/libs/kyu-embedded is missing, and it starts the servers for the tests. Run `npm test` (it builds first).',
    );
  const { resolveServers } = await import(library.href);
  const servers = await resolveServers({ testcontainers: true });
  process.env.KYU_TEST_POSTGRES_URL = servers.postgresUrl;
  process.env.KYU_TEST_REDIS_URL = servers.redisUrl;
  globalThis.kyuTestServers = servers;
  console.log(`\nServers for the tests: ${servers.description}`);
}
