export {
  startEmbeddedPostgres,
  startEmbeddedRedis,
  type EmbeddedPostgresOptions,
  type EmbeddedRedisOptions,
  type EmbeddedServer,
} from './embedded-server.js';
export type { RedisEngine } from './redis-engine.js';
export {
  resolveServers,
  type ResolveServersOptions,
  type Servers,
} from './resolve-servers.js';
