import { until } from '@kyu/testing';
import { Gate } from '../support/gate.js';
import { startKyu } from '../support/start-kyu.js';

const many = (type: string, count: number) =>
  Array.from({ length: count }, () => ({ type, payload: null }));

describe('jobs that are claimed ahead', () => {
  it('go back when the handlers turn out slow, and others run them', async () => {
    const gate = new Gate();
    const hoarder = await startKyu({
      options: { workers: 2 },
      handlers: { quick: () => undefined, slow: () => gate.wait() },
    });
    // It learns that handlers take no time at all …
    await hoarder.queue.enqueueMany(many('quick', 2_000));
    await until('the quick ones to be done', async () => {
      const done = await hoarder.sql(
        `SELECT FROM jobs WHERE status = 'completed'`,
      );
      return done.length === 2_000;
    });
    // … and then they hang.
    const ids = await hoarder.queue.enqueueMany(many('slow', 100));
    await until('both slots to be taken', () => gate.arrivals === 2);
    let ran = 0;
    await startKyu({ beside: hoarder, handlers: { slow: () => void ran++ } });
    await until('the other to have run the rest', () => ran === 98);
    gate.open();
    await until('all to complete', async () => {
      const done = await hoarder.sql(
        `SELECT FROM jobs WHERE status = 'completed' AND id = ANY($1)`,
        [ids],
      );
      return done.length === 100;
    });
    const retried = await hoarder.sql(`SELECT FROM jobs WHERE retry_count > 0`);
    expect(retried).toEqual([]);
  });

  it('go back at a stop, their attempts restored', async () => {
    const gate = new Gate();
    const kyu = await startKyu({
      options: { workers: 1, drainTimeout: 0 },
      handlers: { quick: () => undefined, slow: () => gate.wait() },
    });
    await kyu.queue.enqueueMany(many('quick', 1_000));
    await until('the quick ones to be done', async () => {
      const done = await kyu.sql(`SELECT FROM jobs WHERE status = 'completed'`);
      return done.length === 1_000;
    });
    const ids = await kyu.queue.enqueueMany(many('slow', 50));
    await until('the slot to be taken', () => gate.arrivals === 1);
    await kyu.close();
    const rows = await kyu.sql(
      `SELECT status, retry_count, locked_by FROM jobs WHERE id = ANY($1)`,
      [ids],
    );
    expect(rows).toEqual(
      Array(50).fill({ status: 'pending', retry_count: 0, locked_by: null }),
    );
  });
});
