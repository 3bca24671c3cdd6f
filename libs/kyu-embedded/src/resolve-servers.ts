import {
  startPostgresContainer,
  startRedisContainer,
  tryContainer,
} from './containers.js';
import {
  startEmbeddedPostgres,
  startEmbeddedRedis,
  type EmbeddedServer,
} from './embedded-server.js';
import { messageOf } from './message-of.js';
import { placeOf, POSTGRES_URL, REDIS_URL, urlFromEnv } from './server-url.js';

/** A PostgreSQL and a Redis to work with, from wherever they came. */
export interface Servers {
  postgresUrl: string;
  redisUrl: string;
  /** One line for people, without passwords: which servers these are, and why these. */
  description: string;
  /** Ends what resolveServers() started; servers that the environment named are left alone. */
  stop(): Promise<void>;
}

export interface ResolveServersOptions {
  /** Also try containers, before the embedded servers; needs @testcontainers/postgresql and @testcontainers/redis. */
  testcontainers?: boolean;
}

/**
 * For each of the two: the server that KYU_POSTGRES_URL or KYU_REDIS_URL names, else (if asked for) a container,
 * else an embedded server.
 */
export async function resolveServers({
  testcontainers = false,
}: ResolveServersOptions = {}): Promise<Servers> {
  const kinds = [
    {
      name: 'PostgreSQL',
      form: POSTGRES_URL,
      given: urlFromEnv(POSTGRES_URL),
      container: startPostgresContainer,
      embedded: startEmbeddedPostgres,
    },
    {
      name: 'Redis',
      form: REDIS_URL,
      given: urlFromEnv(REDIS_URL),
      container: startRedisContainer,
      embedded: startEmbeddedRedis,
    },
  ];
  const [postgres, redis] = await allOrNone(
    kinds.map(async ({ name, form: { variable }, given, ...start }) => {
      if (given !== undefined)
        return {
          url: given,
          description: `${name} at ${placeOf(given)}, as ${variable} says`,
          stop: async () => undefined,
        };
      let why = `${variable} is not set`;
      if (testcontainers) {
        const attempt = await tryContainer(name, start.container);
        if ('url' in attempt) return attempt;
        why += ` and ${attempt.why}`;
      }
      const server = await start.embedded();
      return { ...server, description: `${server.description}, as ${why}` };
    }),
  );
  return {
    postgresUrl: postgres!.url,
    redisUrl: redis!.url,
    description: `${postgres!.description}; ${redis!.description}`,
    stop: async () => {
      await Promise.all([postgres!.stop(), redis!.stop()]);
    },
  };
}

/** If one server does not start, the other one is of no use: it is stopped, and the error tells what failed. */
async function allOrNone(
  starts: Promise<EmbeddedServer>[],
): Promise<EmbeddedServer[]> {
  const results = await Promise.allSettled(starts);
  const started = results.flatMap((r) =>
    r.status === 'fulfilled' ? [r.value] : [],
  );
  const errors: unknown[] = results.flatMap((r) =>
    r.status === 'rejected' ? [r.reason] : [],
  );
  if (errors.length === 0) return started;
  await Promise.allSettled(started.map((server) => server.stop()));
  if (errors.length === 1) throw errors[0];
  throw new AggregateError(errors, errors.map(messageOf).join('\n'));
}
