import { setTimeout as sleep } from 'node:timers/promises';
import { CONTESTANTS } from '../contestants/names.js';
import { monotonic } from '../harness/clock.js';
import { inArena } from './in-arena.js';
import { SLOTS, type Scenario } from './scenario.js';

/** What a process does once after its start is not idling. PostgreSQL also tells an idle session's numbers up to ten seconds late. */
const SETTLE_MS = 11_000;

export const idle: Scenario = {
  name: 'idle',
  title:
    'One worker process without jobs, in its default configuration: what it costs just to be there.',
  measures: [
    {
      id: 'idle-transactions',
      title: 'idle worker: PostgreSQL transactions',
      unit: 'tx/s',
      better: 'less',
    },
    {
      id: 'idle-cpu',
      title: 'idle worker: CPU, of one core',
      unit: '%',
      better: 'less',
    },
  ],
  entrants: CONTESTANTS.filter((name) => name !== 'floor').map(
    (contestant) => ({
      contestant,
      round: ({ ground, sizes }) =>
        inArena(ground, contestant, { tuning: 'idle' }, async (arena) => {
          const worker = await arena.start('worker');
          await worker.ask('work', { slots: SLOTS, capacity: 0 });
          await sleep(SETTLE_MS);
          const look = async () => ({
            at: monotonic(),
            transactions: await ground.transactions(arena.settings.postgresUrl),
            ...(await worker.ask('usage')),
          });
          const before = await look();
          await sleep(sizes.idleMs);
          const after = await look();
          const seconds = (after.at - before.at) / 1000;
          return {
            'idle-transactions':
              (after.transactions - before.transactions) / seconds,
            'idle-cpu': (after.cpuMs - before.cpuMs) / 10 / seconds,
          };
        }),
    }),
  ),
};
