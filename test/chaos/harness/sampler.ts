import { setTimeout as sleep } from 'node:timers/promises';
import type { Violation } from '../checks/check.js';
import type { Arena } from './arena.js';

const PERIOD_MS = 250;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

/**
 * Looks again and again whether every id in Redis belongs to a row. First Redis, then Postgres: an id that was staged after its commit has its row by
 * the time of the second look.
 */
export class Sampler {
  readonly violations: Violation[] = [];
  private readonly told = new Set<string>();
  private readonly loop: Promise<void>;
  private stopping = false;

  constructor(private readonly arena: Arena) {
    this.loop = this.look();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.loop;
  }

  private async look(): Promise<void> {
    while (!this.stopping) {
      await sleep(PERIOD_MS);
      // While a server is away there is nothing to see.
      await this.sample().catch(() => undefined);
    }
  }

  private async sample(): Promise<void> {
    const { servers, queueName } = this.arena;
    if (servers.redisClient.status !== 'ready') return;
    const members = await servers.redisClient.zrange(queueName, 0, 499);
    const ids = members.filter((member) => UUID.test(member));
    if (ids.length === 0) return;
    const missing = await this.arena.sql<{ id: string }>(
      `SELECT id FROM unnest($1::uuid[]) AS staged(id)
        WHERE NOT EXISTS (SELECT 1 FROM @.kyu_jobs AS job WHERE job.id = staged.id)`,
      [ids],
    );
    const fresh = missing
      .map(({ id }) => id)
      .filter((id) => !this.told.has(id));
    if (fresh.length === 0) return;
    // Rows that were pruned meanwhile were there.
    const never = await this.arena.sql<{ id: string }>(
      `SELECT id FROM unnest($1::uuid[]) AS staged(id)
        WHERE NOT EXISTS (SELECT 1 FROM @.chaos_audit AS row WHERE row.id = staged.id)`,
      [fresh],
    );
    for (const { id } of never) {
      this.told.add(id);
      this.violations.push({
        checker: 'staged without a row',
        id,
        detail: 'its id was in Redis, and there was no committed row',
      });
    }
  }
}
