// A program with embedded servers that ends in the way its argument says. Run by embedded.e2e-spec.ts.
import { once } from 'node:events';
import Redis from 'ioredis';
import pg from 'pg';
import { resolveServers } from '../../dist/libs/kyu-embedded/index.js';

const [, , ending] = process.argv;
const servers = await resolveServers();

const client = new pg.Client({ connectionString: servers.postgresUrl });
await client.connect();
const redis = new Redis(servers.redisUrl);
await redis.ping();
// Connections are left open on purpose where the program fails; what ends must not depend on its manners.

const endings = {
  async stop() {
    await client.end();
    await redis.quit();
    await servers.stop();
    say('stopped');
  },
  async forget() {
    await client.end();
    await redis.quit();
  },
  throw() {
    throw new Error('the program fails');
  },
  exit() {
    process.exit(3);
  },
  /** Works on after Ctrl-C, as a job queue does, and only then ends. */
  async drain() {
    await interrupted;
    await client.query('select pg_sleep(0.3)');
    await redis.ping();
    say('drained');
    process.exit(0);
  },
  hang() {},
};

// Before anybody can know of it: who reads the line sends the signal.
const interrupted = ending === 'drain' ? once(process, 'SIGINT') : undefined;
say(JSON.stringify(servers));
await endings[ending]();

function say(line) {
  process.stdout.write(`${line}\n`);
}
