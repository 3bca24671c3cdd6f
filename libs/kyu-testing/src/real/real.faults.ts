import type { IdleWorker, ReadyQueue } from '@kyu/nestjs/testing-internals';
import type { Faults } from '../faults.js';
import type { RealServers } from './real-servers.js';

/** Is responsible for cutting the wires to the servers, and for losing what a worker has popped. */
export class RealFaults implements Faults {
  /** Who waits for the next ids to be lost. */
  private crash: ((lost: string[]) => void) | undefined;

  constructor(
    private readonly servers: RealServers,
    /** PostgreSQL is reached by a data source of the application. */
    private readonly lent: boolean,
    readyQueue: ReadyQueue,
    idleWorker: IdleWorker,
  ) {
    const enqueueClaimed = idleWorker.enqueueClaimed.bind(idleWorker);
    // What is claimed by its own enqueue is never popped.
    idleWorker.enqueueClaimed = (job) =>
      this.crash ? undefined : enqueueClaimed(job);
    const pop = readyQueue.pop.bind(readyQueue);
    // From the start: a worker waits in its pop long before the test wants it to crash.
    readyQueue.pop = async (...call) => {
      const popped = await pop(...call);
      const { crash } = this;
      if (!crash || !Array.isArray(popped) || popped.length === 0)
        return popped;
      this.crash = undefined;
      crash((popped as { id: string }[]).map(({ id }) => id));
      return []; // to Redis they are gone, and nobody has claimed them
    };
  }

  postgresDown(): void {
    if (this.lent)
      throw new Error(
        'postgresDown() cannot cut the connections of a data source that the application lends: give the test options without postgres.dataSource, or ' +
          'the data source a way to its server that you can cut.',
      );
    this.servers.postgres.cut();
  }

  postgresUp(): void {
    this.servers.postgres.mend();
  }

  redisDown(): void {
    this.servers.redis.cut();
  }

  redisUp(): void {
    this.servers.redis.mend();
  }

  crashAfterPop(): Promise<string[]> {
    return new Promise((resolve) => {
      this.crash = resolve;
    });
  }
}
