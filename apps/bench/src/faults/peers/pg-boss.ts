import { PgBoss } from 'pg-boss';
import type { Peer } from '../app/peer.js';
import type { Payload, Setup } from '../app/settings.js';
import { query } from './query.js';

const QUEUE = 'jobs';
const STOP_MS = 20_000;
/** Recommended for quick tasks: 30 to 60. */
const HEARTBEAT_SECONDS = 30;

const NOT_DONE = `
  SELECT data->>'key' AS key, state IN ('failed', 'cancelled') AS buried
    FROM pgboss.job WHERE name = '${QUEUE}' AND state <> 'completed'`;

const start = async ({ urls }: Setup): Promise<PgBoss> => {
  const boss = new PgBoss({ connectionString: urls.postgres });
  boss.on('error', (error) => console.error(error));
  return boss.start();
};

const stop = (boss: PgBoss): Promise<void> =>
  boss.stop({ graceful: true, timeout: STOP_MS });

export const peer: Peer = {
  async prepare(setup) {
    const boss = await start(setup);
    // Two retries and an expiry of 15 minutes are its defaults.
    await boss.createQueue(
      QUEUE,
      setup.tuned ? { heartbeatSeconds: HEARTBEAT_SECONDS } : {},
    );
    await stop(boss);
  },
  async produce(setup) {
    const boss = await start(setup);
    return {
      async enqueue(payload) {
        const id = await boss.send(QUEUE, payload);
        // Its way to say that nothing was stored.
        if (id === null) throw new Error('send() returned null');
      },
      close: () => stop(boss),
    };
  },
  async work(setup, run) {
    const boss = await start(setup);
    await boss.work<Payload>(
      QUEUE,
      // The shortest interval that it allows, so that its workers are as busy as the others.
      { localConcurrency: setup.concurrency, pollingIntervalSeconds: 0.5 },
      async ([job]) => {
        if (job) await run(job.data, job.signal);
      },
    );
    return { close: () => stop(boss) };
  },
  stored: ({ urls }) => query(urls.postgres, NOT_DONE),
};
