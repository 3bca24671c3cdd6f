/** What the program and its keeper say to each other over IPC. All of it is plain JSON. */

export interface StartPostgres {
  kind: 'postgres';
  port?: number | undefined;
  settings?: Record<string, string> | undefined;
}

export interface StartRedis {
  kind: 'redis';
  port?: number | undefined;
  /** Path of a redis-server; without one, Valkey in WebAssembly. */
  binary?: string | undefined;
}

export type StartSpec = StartPostgres | StartRedis;

/** `id` numbers the servers of one keeper; one id is started once and stopped once. */
export type Request =
  { type: 'start'; id: number; spec: StartSpec } | { type: 'stop'; id: number };

export type Reply =
  | { type: 'started'; id: number; url: string; description: string }
  | { type: 'stopped'; id: number }
  | { type: 'failed'; id: number; message: string };

/** A server as the keeper holds it. */
export interface RunningServer {
  url: string;
  description: string;
  stop(): Promise<void>;
}
