import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Arena } from '../harness/arena.js';
import { monotonic } from '../harness/clock.js';
import { inArena } from './in-arena.js';
import { SLOTS, type Entrant, type Scenario } from './scenario.js';

/** The backlog is kept at about this, by a producer at work all the time. */
const BACKLOG = 20_000;
const REFILL = 5_000;
const LOOK_MS = 50;
/** More a second than this machine's worker could run. */
const MOST_PER_SECOND = 100_000;

/** Jobs a second in the last third of a long load by producer and worker. */
async function rateUnderLoad(arena: Arena, ms: number): Promise<number> {
  await arena.fill(BACKLOG);
  const producer = await arena.startProducer();
  const worker = await arena.start('worker');
  const capacity = BACKLOG + (MOST_PER_SECOND * ms) / 1000;
  await worker.ask('work', { slots: SLOTS, capacity });
  const begun = monotonic();
  let enqueued = BACKLOG;
  let handled = 0;
  let from: { at: number; handled: number } | undefined;
  while (monotonic() - begun < ms) {
    handled = await worker.ask('handled');
    if (!from && monotonic() - begun > (ms * 2) / 3)
      from = { at: monotonic(), handled };
    if (enqueued - handled < BACKLOG) {
      await producer.ask('fill', { count: REFILL });
      arena.acknowledge(REFILL);
      enqueued += REFILL;
    } else await sleep(LOOK_MS);
  }
  handled = await worker.ask('handled');
  const rate = (handled - from!.handled) / ((monotonic() - from!.at) / 1000);
  await arena.verify(worker);
  return rate;
}

/** A transaction that has seen the database, and keeps the server from cleaning up anything that has died since. */
async function pin(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT count(*) FROM kyu_jobs');
  return client;
}

const entrant = (id: string, label: string, pinned: boolean): Entrant => ({
  contestant: 'kyu',
  label,
  round: ({ ground, sizes }) =>
    inArena(ground, 'kyu', {}, async (arena) => {
      const { postgresUrl } = arena.settings;
      const holder = pinned ? await pin(postgresUrl) : undefined;
      try {
        return { [id]: await rateUnderLoad(arena, sizes.pinnedMs) };
      } finally {
        await holder?.end();
      }
    }),
});

export const pinnedHorizon: Scenario = {
  name: 'pinned-horizon',
  title:
    'A producer and a worker at full load for two minutes, alone and beside a transaction that stays open all the while; the rate of the last third.',
  measures: [
    {
      id: 'load-free',
      title: 'two minutes of full load',
      unit: 'jobs/s',
      better: 'more',
    },
    {
      id: 'load-pinned',
      title: 'the same beside an open transaction',
      unit: 'jobs/s',
      better: 'more',
    },
  ],
  entrants: [
    entrant('load-free', 'alone', false),
    entrant('load-pinned', 'beside an open transaction', true),
  ],
};
