import { messageOf } from './message-of.js';

/** A server in a container, or why there is none. */
export type ContainerAttempt =
  { url: string; description: string; stop(): Promise<void> } | { why: string };

type Starter = () => Promise<{
  url: string;
  stop(): Promise<unknown>;
}>;

const POSTGRES_IMAGE = 'postgres:18-alpine';
const REDIS_IMAGE = 'redis:8-alpine';

/*
 * Not run so far: the machines that this was written on have no Docker engine, so what was seen of this path is
 * only its refusal. The packages are optional, hence the imports at run time.
 */

export const startPostgresContainer: Starter = async () => {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(POSTGRES_IMAGE)
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
    .start();
  return {
    url: container.getConnectionUri(),
    stop: () => container.stop(),
  };
};

export const startRedisContainer: Starter = async () => {
  const { RedisContainer } = await import('@testcontainers/redis');
  const container = await new RedisContainer(REDIS_IMAGE).start();
  return { url: container.getConnectionUrl(), stop: () => container.stop() };
};

/** Never rejects: who asks can do without a container, but should be told why there is none. */
export async function tryContainer(
  name: string,
  start: Starter,
): Promise<ContainerAttempt> {
  try {
    const container = await start();
    return {
      url: container.url,
      description: `${name} (container), as a Docker engine answers`,
      stop: async () => void (await container.stop()),
    };
  } catch (error) {
    return { why: reason(error) };
  }
}

function reason(error: unknown): string {
  const message = messageOf(error);
  if ((error as { code?: unknown } | null)?.code === 'ERR_MODULE_NOT_FOUND')
    return 'Testcontainers is not installed';
  if (message.includes('container runtime strategy'))
    return 'no Docker engine answers';
  return `the container did not start: ${message.split('\n')[0]}`;
}
