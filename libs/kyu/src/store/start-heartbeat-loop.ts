import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * The thread of `heartbeat-loop.ts`. All in one expression, because bundlers that know threads (webpack, Rspack, Parcel) look for exactly that and bring the file
 * along. In other bundles the file is missing: the thread then ends at once with an error.
 *
 * @throws where a bundle has no `import.meta.url`.
 */
export const startHeartbeatLoop = (options: WorkerOptions): Worker =>
  new Worker(new URL('./heartbeat-loop.js', import.meta.url), options);
