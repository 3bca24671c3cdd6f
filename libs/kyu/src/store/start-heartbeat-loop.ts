import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * The thread of `heartbeat-loop.ts`. All in one expression: that is the form by which a bundler that knows threads finds the file. In other bundles the file is missing, and
 * the thread ends at once with an error.
 *
 * @throws where a bundle has no `import.meta.url`.
 */
export const startHeartbeatLoop = (options: WorkerOptions): Worker =>
  new Worker(new URL('./heartbeat-loop.js', import.meta.url), options);
