import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@kyu/testing';
import type { KyuOptions } from '@kyu/nestjs';
import { compileEntry } from '../support/compile-entry.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** Runs the program on the same tables and queue. */
async function run(
  entry: string,
  { schema, queueName }: TestKyu,
  postgres: KyuOptions['postgres'],
): Promise<ChildProcess> {
  const options: KyuOptions & { url: string } = {
    url: POSTGRES_URL,
    redis: { url: REDIS_URL },
    queueName,
    metricsPort: 0,
    postgres: { schema, ...postgres },
  };
  const path = await compileEntry(`test/transactions/${entry}`);
  child = fork(path, [JSON.stringify(options)], { execArgv: [] });
  return child;
}

describe('in a process of its own', () => {
  it('@nestjs-cls/transactional is followed by the option "transaction"', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const program = await run('cls-transactional-main.ts', kyu, {});
    const [[report], [code]] = await Promise.all([
      once(program, 'message') as Promise<[unknown]>,
      once(program, 'exit') as Promise<[unknown]>,
    ]);
    expect(report).toEqual({
      refused: 'on purpose',
      ran: ['placed', 'outer', 'plain'],
    });
    expect(code).toBe(0);
    expect(await kyu.sql('SELECT payload FROM jobs ORDER BY id')).toEqual([
      { payload: 'placed' },
      { payload: 'outer' },
      { payload: 'plain' },
    ]);
  });

  it('a crash between COMMIT and stage loses nothing', async () => {
    const ran: unknown[] = [];
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const program = await run('crash-main.ts', kyu, { url: POSTGRES_URL });
    const [code, signal] = (await once(program, 'exit')) as unknown[];
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    expect(await kyu.redis.zrange(kyu.queueName, 0, -1)).toEqual([]);
    expect(await kyu.sql('SELECT status FROM jobs')).toEqual([
      { status: 'pending' },
    ]);
    await startKyu({
      beside: kyu,
      handlers: { work: (payload: unknown) => void ran.push(payload) },
    });
    await until('the job', () => ran.length > 0);
    expect(ran).toEqual(['survives']);
  });
});
