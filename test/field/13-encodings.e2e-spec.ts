import { randomBytes } from 'node:crypto';
import { KyuModule, PostgresUnavailableError } from '@kyu/nestjs';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

const databases: string[] = [];

/** A database of its own, in this encoding; it goes after the tests. */
async function newDatabase(encoding: string): Promise<string> {
  const name = `kyu_test_${randomBytes(6).toString('hex')}`;
  await runSql(
    `CREATE DATABASE ${name} ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  databases.push(name);
  const url = new URL(POSTGRES_URL);
  url.pathname = `/${name}`;
  return url.href;
}

afterAll(async () => {
  for (const name of databases)
    await runSql(`DROP DATABASE ${name} WITH (FORCE)`);
});

describe('field 13: the encoding of the database', () => {
  it.each(['LATIN1', 'WIN1252'])(
    '%s is refused at boot, and nothing is made there',
    async (encoding) => {
      const url = await newDatabase(encoding);
      const ground = newGround();
      const boot = bootApp({
        imports: [KyuModule.forRoot(ground.options({ postgres: { url } }))],
      });
      await expect(boot).rejects.toThrow(PostgresUnavailableError);
      await expect(boot).rejects.toThrow(
        `the encoding of the database is ${encoding}, which lacks characters that a payload or an error may hold: create a database with ENCODING 'UTF8'`,
      );
      expect(
        await runSql(
          'SELECT FROM pg_namespace WHERE nspname = $1',
          [ground.schema],
          url,
        ),
      ).toEqual([]);
    },
  );

  it('SQL_ASCII takes the bytes as they come: payloads, results and errors of any language come back', async () => {
    const url = await newDatabase('SQL_ASCII');
    const text = 'späť ☃ 日本語 😀 \\ud800 \u0000';
    const { app } = await startKyu({
      options: { postgres: { url } },
      handlers: {
        echo: (payload: unknown) => payload,
        die: (payload: string) => {
          throw new Error(payload);
        },
      },
    });
    expect(await runJob(app, 'echo', { text })).toMatchObject({
      status: 'completed',
      payload: { text },
      result: { text },
    });
    const died = await runJob(app, 'die', '日本語 😀', { maxRetries: 0 });
    expect(died).toMatchObject({ status: 'dead', errorMessage: '日本語 😀' });
    expect(died.history[0]).toMatchObject({
      outcome: 'dead',
      error: '日本語 😀',
    });
  });
});
