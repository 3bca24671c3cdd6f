import { setTimeout as sleep } from 'node:timers/promises';
import type { Violation } from '../checks/check.js';
import type { Arena } from './arena.js';

const POLL_MS = 100;
/** A producer may be in a call that a half-open connection holds up until its query_timeout (25 s). */
const PRODUCER_PATIENCE_MS = 45_000;
/** Beyond the drain timeout: closing connections, of which one may be half-open. */
const STOP_PATIENCE_MS = 10_000;
const LEFTOVERS_PATIENCE_MS = 4_000;
/** A connection that hangs is noticed after 3 s, and sought again at intervals of up to 2 s. */
const BACK_PATIENCE_MS = 10_000;
const SESSIONS_PATIENCE_MS = 5_000;

/** How a scenario came to rest. */
export interface Rest {
  /** From the end of the faults until the last job was terminal, ms; undefined when that did not come. */
  settledMs: number | undefined;
  /** What the workers took to stop on SIGTERM, with nothing left to run. */
  stoppedMs: number;
  violations: Violation[];
}

/**
 * Brings a scenario to rest: no more faults, no more jobs; then waits until every job is terminal, and then ends the workers. What can be seen only
 * now is checked here; what the evidence shows is checked later.
 */
export async function finish(arena: Arena, patienceMs: number): Promise<Rest> {
  const violations: Violation[] = [];
  const complain = (checker: string, detail: string): void =>
    void violations.push({ checker, id: null, detail });
  arena.mend();
  const mendedAt = performance.now();
  await Promise.all(
    arena.producers.map((slot) => slot.stop(PRODUCER_PATIENCE_MS)),
  );
  const settledMs = await settled(arena, mendedAt, patienceMs);
  const leftovers = await idsLeftInRedis(arena);
  if (leftovers.length > 0)
    complain(
      'left in Redis',
      `${leftovers.length} ids of jobs that are not pending, such as ${leftovers[0]}`,
    );
  // One that still works may have no time to wait.
  if (settledMs !== undefined)
    for (const name of await workersNotInRedis(arena))
      complain(
        'not back in Redis',
        `${name} does not wait for ids in Redis, ${BACK_PATIENCE_MS} ms after everything was mended`,
      );
  const settledAt = performance.now();
  const patience = arena.kyu.drainTimeoutMs + STOP_PATIENCE_MS;
  await Promise.all(arena.workers.map((slot) => slot.stop(patience)));
  for (const slot of arena.slots)
    for (const surprise of slot.surprises)
      complain('ended otherwise', surprise);
  const stoppedMs = performance.now() - settledAt;
  const sessions = await sessionsLeft(arena);
  if (sessions > 0)
    complain(
      'leaked session',
      `${sessions} sessions of the application, of which no process is left`,
    );
  return { settledMs, stoppedMs, violations };
}

async function settled(
  arena: Arena,
  since: number,
  patienceMs: number,
): Promise<number | undefined> {
  while (performance.now() - since < patienceMs) {
    const [row] = await arena.sql<{ left: string }>(
      `SELECT count(*) AS left FROM @.kyu_jobs WHERE status NOT IN ('completed', 'dead', 'cancelled')`,
    );
    if (row!.left === '0') return performance.now() - since;
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Ids that no claim will ever grant. Workers pop what they find, which takes a moment; so what stays is a leftover. */
async function idsLeftInRedis(arena: Arena): Promise<string[]> {
  const deadline = performance.now() + LEFTOVERS_PATIENCE_MS;
  for (;;) {
    const ids = await arena.servers.redisClient.zrange(arena.queueName, 0, -1);
    const left = ids.length === 0 ? [] : await notPending(arena, ids);
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(POLL_MS);
  }
}

async function notPending(arena: Arena, ids: string[]): Promise<string[]> {
  const rows = await arena.sql<{ id: string }>(
    `SELECT id FROM unnest($1::text[]) AS staged(id)
      WHERE NOT EXISTS (SELECT 1 FROM @.kyu_jobs AS job WHERE job.id::text = staged.id AND job.status = 'pending')`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** An idle worker waits in a blocking pop. One that asks Postgres once a second works too, and hides that it has lost Redis for good. */
async function workersNotInRedis(arena: Arena): Promise<string[]> {
  const deadline = performance.now() + BACK_PATIENCE_MS;
  let missing = arena.workers.filter((slot) => slot.ready);
  while (missing.length > 0 && performance.now() < deadline) {
    const list = await arena.servers.redisClient.client('LIST');
    const waiting = new Set(
      String(list)
        .split('\n')
        .filter((line) => /cmd=bzpopmin/i.test(line))
        .map((line) => Number(/ addr=[^ ]*:(\d+)/.exec(line)?.[1])),
    );
    missing = missing.filter(
      ({ wires }) => !wires.redis.ports.some((port) => waiting.has(port)),
    );
    if (missing.length > 0) await sleep(POLL_MS);
  }
  return missing.map(({ name }) => name);
}

async function sessionsLeft(arena: Arena): Promise<number> {
  const deadline = performance.now() + SESSIONS_PATIENCE_MS;
  for (;;) {
    const [row] = await arena.sql<{ left: string }>(
      'SELECT count(*) AS left FROM pg_stat_activity WHERE usename = $1',
      [arena.role],
    );
    if (row!.left === '0' || performance.now() > deadline)
      return Number(row!.left);
    await sleep(POLL_MS);
  }
}
