import type { Faults } from '../faults.js';
import type { MemoryTable } from './memory-table.js';

export class MemoryFaults implements Faults {
  constructor(private readonly table: MemoryTable) {}

  postgresDown(): void {
    this.table.isDown = true;
  }

  postgresUp(): void {
    this.table.isDown = false;
  }

  redisDown(): void {
    throw noRedis('redisDown');
  }

  redisUp(): void {
    throw noRedis('redisUp');
  }

  async crashAfterPop(): Promise<never> {
    throw noRedis('crashAfterPop');
  }
}

const noRedis = (what: string): Error =>
  new Error(
    `${what}() needs mode: 'real': there is no Redis in the modes 'inline' and 'manual'.`,
  );
