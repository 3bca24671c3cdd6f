import { InvalidJobError, jobEntity, KyuModule } from '@kyu/nestjs';
import { DataSource } from 'typeorm';
import { bootApp, newGround } from '../support/boot-app.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

describe('what would go wrong later is refused or harmless now', () => {
  it('two registrations in one application do not boot', async () => {
    const boot = bootApp({
      imports: [
        KyuModule.forRoot(newGround().options()),
        KyuModule.forRoot(newGround().options()),
      ],
    });
    await expect(boot).rejects.toThrow(
      'KyuModule is registered twice without a name',
    );
  });

  it('use() takes interceptors only', async () => {
    const kyu = await startKyu();
    expect(() => kyu.queue.use(3 as never)).toThrow(InvalidJobError);
    expect(() => kyu.queue.use({} as never)).toThrow('intercept()');
  });

  it('synchronize() of a data source that has the entity leaves the table as it is', async () => {
    const kyu = await startKyu({ handlers: { work: () => undefined } });
    const shape = (): Promise<unknown[]> =>
      kyu.sql(
        `SELECT attname, atthasdef FROM pg_attribute WHERE attrelid = 'jobs'::regclass AND attnum > 0 AND NOT attisdropped
         UNION ALL SELECT indexrelid::regclass::text, true FROM pg_index WHERE indrelid = 'jobs'::regclass
         UNION ALL SELECT conname, true FROM pg_constraint WHERE conrelid = 'jobs'::regclass ORDER BY 1`,
      );
    const before = await shape();
    expect(before.length).toBeGreaterThan(25);
    const dataSource = await new DataSource({
      type: 'postgres',
      url: POSTGRES_URL,
      entities: [jobEntity({ schema: kyu.schema, prefix: 'kyu_' })],
      synchronize: true,
      installExtensions: false,
    }).initialize();
    await dataSource.destroy();
    expect(await shape()).toEqual(before);
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('work', null);
    expect((await settled).status).toBe('completed');
  });
});
