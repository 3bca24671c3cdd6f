import { makeWorkerUtils, run as startRunner } from 'graphile-worker';
import type { Peer } from '../app/peer.js';
import type { Payload } from '../app/settings.js';
import { query } from './query.js';

const TASK = 'job';

const NOT_DONE = `
  SELECT payload->>'key' AS key, attempts >= max_attempts AND locked_at IS NULL AS buried
    FROM graphile_worker._private_jobs`;

/** As its page on performance recommends; off by default. */
const batching = (concurrency: number) => ({
  localQueue: { size: concurrency + 1 },
  completeJobBatchDelay: 250,
  failJobBatchDelay: 250,
});

export const peer: Peer = {
  async prepare({ urls }) {
    const utils = await makeWorkerUtils({ connectionString: urls.postgres });
    await utils.migrate();
    await utils.release();
  },
  async produce({ urls }) {
    const utils = await makeWorkerUtils({ connectionString: urls.postgres });
    return {
      enqueue: (payload) => utils.addJob(TASK, payload),
      close: async () => utils.release(),
    };
  },
  async work({ urls, concurrency, tuned }, run) {
    const runner = await startRunner({
      connectionString: urls.postgres,
      concurrency,
      // What its documentation asks for.
      maxPoolSize: Math.max(10, concurrency + 2),
      // SIGTERM is handled by the process, as for all contestants.
      noHandleSignals: true,
      ...(tuned && { preset: { worker: batching(concurrency) } }),
      taskList: {
        [TASK]: (payload, { abortSignal }) =>
          run(payload as Payload, abortSignal),
      },
    });
    return { close: () => runner.stop(), ended: runner.promise };
  },
  stored: ({ urls }) => query(urls.postgres, NOT_DONE),
};
