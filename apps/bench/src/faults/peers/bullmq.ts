import { Queue, Worker } from 'bullmq';
import type { Peer } from '../app/peer.js';
import type { Payload, Setup } from '../app/settings.js';

const QUEUE = 'jobs';

const connection = ({ urls }: Setup) => {
  const { hostname, port } = new URL(urls.redis);
  return { host: hostname, port: Number(port) };
};

const openQueue = async (setup: Setup): Promise<Queue<Payload>> => {
  const queue = new Queue<Payload>(QUEUE, {
    // Producers fail fast, as "Going to production" advises.
    connection: { ...connection(setup), enableOfflineQueue: false },
    defaultJobOptions: {
      attempts: 3,
      backoff: { type: 'exponential', delay: 1_000 },
      removeOnComplete: 1_000,
      removeOnFail: 5_000,
    },
  });
  queue.on('error', (error) => console.error(error));
  await queue.waitUntilReady();
  return queue;
};

/** On Redis. Its backend on PostgreSQL is another product with other promises, and is not measured. */
export const peer: Peer = {
  async prepare(setup) {
    await (await openQueue(setup)).close();
  },
  async produce(setup) {
    const queue = await openQueue(setup);
    return {
      enqueue: (payload) => queue.add('job', payload),
      close: () => queue.close(),
    };
  },
  async work(setup, run) {
    const worker = new Worker<Payload>(
      QUEUE,
      (job, _token, signal) => run(job.data, signal),
      // Locks of 30 s, a look for stalled jobs every 30 s, one stall forgiven: its defaults.
      { connection: connection(setup), concurrency: setup.concurrency },
    );
    worker.on('error', (error) => console.error(error));
    await worker.waitUntilReady();
    return { close: () => worker.close() };
  },
  async stored(setup) {
    const queue = await openQueue(setup);
    try {
      const [held, buried] = await Promise.all([
        queue.getJobs(['waiting', 'active', 'delayed', 'prioritized']),
        queue.getJobs(['failed']),
      ]);
      return { held: held.map(keyOf), buried: buried.map(keyOf) };
    } finally {
      await queue.close();
    }
  },
};

const keyOf = ({ data }: { data: Payload }): string => data.key;
