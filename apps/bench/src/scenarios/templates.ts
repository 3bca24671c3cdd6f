import { Client } from 'pg';
import { Arena } from '../harness/arena.js';
import type { Ground, Template } from '../harness/ground.js';
import {
  INSERT_FINISHED,
  INSERT_PENDING,
  INSERT_SCHEDULED,
} from './rows.sql.js';

const STATEMENTS = {
  finished: INSERT_FINISHED,
  pending: INSERT_PENDING,
  scheduled: INSERT_SCHEDULED,
};

/** A database with Kyu's tables and `count` rows in them, as autovacuum would have left it: copied for each round. */
export function tableWith(
  kind: keyof typeof STATEMENTS,
  count: number,
  ground: Ground,
): Promise<Template> {
  return ground.once(`${count} ${kind}`, async () => {
    const arena = await Arena.make(ground, 'kyu');
    const url = arena.settings.postgresUrl;
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(STATEMENTS[kind], [count]);
    await client.end();
    await ground.vacuum(url);
    return { url, unfinished: kind === 'finished' ? 0 : count };
  });
}
