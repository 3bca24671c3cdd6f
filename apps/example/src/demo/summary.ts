import type { INestApplication } from '@nestjs/common';
import { KYU_DATA_SOURCE } from '@kyu/nestjs';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { reportsQueueName, type ShopSettings } from '../settings.js';
import { isRight, printChecks } from './check.js';
import { checkMetrics, checkShopMetrics } from './metrics-check.js';
import { PLAN, TOTAL } from './plan.js';
import type { Tally } from './tally.js';
import { checkTable, countByStatus } from './table-check.js';

/** Prints how all ended, against Postgres; true if all is right. */
export async function checkAll(
  app: INestApplication,
  settings: ShopSettings,
  url: string,
): Promise<boolean> {
  const dataSource = app.get<DataSource>(getDataSourceToken(KYU_DATA_SOURCE));
  const table = `"${settings.schema}".kyu_jobs`;
  const jobs = await checkTable(dataSource, table, PLAN);
  const metrics = [
    ...(await checkMetrics(
      dataSource,
      table,
      settings.queueName,
      `${url}/metrics`,
    )),
    ...(
      await checkMetrics(
        dataSource,
        table,
        reportsQueueName(settings),
        `${url}/metrics/reports`,
      )
    ).map((check) => ({ ...check, what: `reports: ${check.what}` })),
    ...(await checkShopMetrics(
      url,
      PLAN.find(({ type }) => type === 'place_order')!.count,
    )),
  ];
  const print = console.log;

  print('\nEach job type, as planned and as it stands in Postgres:');
  printChecks(['job type', 'planned', 'in Postgres'], jobs, print);
  print('\nThe metrics that the shop serves, against the table:');
  printChecks(['metric', 'by the table', 'served'], metrics, print);
  print(`\nselect status, count(*) from ${table} group by status;`);
  for (const { name, jobs: count } of await countByStatus(dataSource, table))
    print(`  ${name.padEnd(10)} ${count}`);

  const wrong = [...jobs, ...metrics].filter((check) => !isRight(check));
  print(
    wrong.length === 0
      ? `\nOK: all ${TOTAL} jobs ended as they should, and the metrics agree with the table.`
      : `\nWRONG: ${wrong.map(({ what, expected, found }) => `${what} should be "${expected}" and is "${found}"`).join('; ')}.`,
  );
  return wrong.length === 0;
}

/** What a priority is good for. Not checked: how long jobs wait depends on the machine. */
export function priorityInWords({ types }: Tally): string {
  const wait = (type: string): string => {
    const { waitedMs, claims } = types.get(type)!;
    return `${Math.round(waitedMs / Math.max(claims, 1))} ms`;
  };
  return `Mean wait for a worker: reset_password (priority 100) ${wait('reset_password')}, send_sms (priority 0) ${wait('send_sms')}.`;
}
