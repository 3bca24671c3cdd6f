import { startInKeeper } from './keeper.js';
import { redisBinary, type RedisEngine } from './redis-engine.js';

/** A server that runs for this program only and leaves nothing behind, however the program ends. */
export interface EmbeddedServer {
  /** Where it answers, with the password if it has one. */
  url: string;
  /** For people, e.g. `PostgreSQL 18.4 (embedded)`. */
  description: string;
  /** Ends the server and removes its data. Close your connections before: they are cut. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Settings of postgresql.conf, e.g. `{ fsync: 'on' }`; they win over this library's defaults. */
  settings?: Record<string, string>;
  /** @default a free port */
  port?: number;
}

export interface EmbeddedRedisOptions {
  /**
   * `native`: the redis-server on the PATH. `wasm`: Valkey in WebAssembly.
   * @default what KYU_EMBEDDED_REDIS says, else native if there is a redis-server on the PATH, else wasm
   */
  engine?: RedisEngine;
  /** @default a free port */
  port?: number;
}

/** Starts a PostgreSQL of its own in a temporary folder, on 127.0.0.1. Takes about a second. */
export async function startEmbeddedPostgres({
  settings = {},
  port,
}: EmbeddedPostgresOptions = {}): Promise<EmbeddedServer> {
  checkPort(port);
  for (const name of Object.keys(settings)) {
    if (name === 'port')
      throw new Error('expected the port in "port", not in "settings"');
    if (!/^[a-z_][\w.]*$/i.test(name))
      throw new Error(
        `expected "settings" to have names of PostgreSQL settings, got: "${name}"`,
      );
  }
  return startInKeeper({ kind: 'postgres', settings, port });
}

/** Starts a Redis of its own, with nothing saved to disk, on 127.0.0.1. */
export async function startEmbeddedRedis({
  engine,
  port,
}: EmbeddedRedisOptions = {}): Promise<EmbeddedServer> {
  checkPort(port);
  return startInKeeper({ kind: 'redis', binary: redisBinary(engine), port });
}

function checkPort(port: number | undefined): void {
  if (port === undefined) return;
  if (Number.isInteger(port) && port > 0 && port < 65_536) return;
  throw new Error(
    `expected "port" to be a whole number from 1 to 65535, got: ${port} (leave it out to get a free one)`,
  );
}
