import { isolated } from '@kyu/testing';
import type { DataSource } from 'typeorm';
import { resolveOptions } from '../../libs/kyu/src/config/resolve-options.js';
import { newJob, type NewJob } from '../../libs/kyu/src/job/new-job.js';
import { Database } from '../../libs/kyu/src/store/database.js';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { MaintenanceStore } from '../../libs/kyu/src/store/maintenance-store.js';
import { openDataSource } from '../../libs/kyu/src/store/open-data-source.js';
import { WorkerStore } from '../../libs/kyu/src/store/worker-store.js';
import { POSTGRES_URL } from './servers.js';

/** The library's SQL without the rest of it: tables of its own, and the stores on them. */
export interface Stores {
  schema: string;
  queue: string;
  dataSource: DataSource;
  jobs: JobStore;
  maintenance: MaintenanceStore;
  workers: WorkerStore;
  /** Runs SQL; `jobs` and `workers` stand for the tables. */
  sql<Row = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>;
  close(): Promise<void>;
}

export async function openStores(url = POSTGRES_URL): Promise<Stores> {
  const { schema, queueName } = isolated();
  const { postgres } = resolveOptions({ postgres: { url, schema } });
  const dataSource = await openDataSource(postgres);
  const database = new Database(dataSource, postgres.tables);
  return {
    schema,
    queue: queueName,
    dataSource,
    jobs: new JobStore(database),
    maintenance: new MaintenanceStore(database),
    workers: new WorkerStore(database),
    sql: (text, values) =>
      dataSource.query(
        text
          .replace(/\bjobs\b/g, `"${schema}".kyu_jobs`)
          .replace(/\bworkers\b/g, `"${schema}".kyu_workers`),
        values,
      ),
    close: async () => {
      await dataSource.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await dataSource.destroy();
    },
  };
}

const DEFAULTS = { priority: 0, maxRetries: 3, timeout: 30_000 };

/** A job ready for `JobStore.enqueue`. */
export const aJob = (options: Parameters<typeof newJob>[2] = {}): NewJob =>
  newJob('work', null, options, DEFAULTS);
