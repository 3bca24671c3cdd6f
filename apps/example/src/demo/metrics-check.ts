import type { DataSource } from 'typeorm';
import type { Check } from './check.js';

/**
 * Kyu's five metrics of a queue, as the application serves them, against the table and the history of its jobs. Right for a process that enqueued and ran all
 * jobs of the queue, as the demo does.
 */
export async function checkMetrics(
  dataSource: DataSource,
  table: string,
  queueName: string,
  pageUrl: string,
): Promise<Check[]> {
  const rows: { metric: string; value: number }[] = await dataSource.query(
    `with jobs as (select * from ${table} where queue = $1), runs as (
      -- What was given back has not been processed: one whose cancel came before its handler began ends like that.
      select job_type, run->>'outcome' as outcome from jobs, jsonb_array_elements(history) as run
       where run->>'outcome' <> 'released'
      union all
      -- The history holds the runs that did not complete the job.
      select job_type, 'completed' from jobs where ran_by is not null)
    select 'kyu_jobs_total' as metric, count(*)::int as value from jobs
    union all
    select format('kyu_jobs_processed_total{status="%s"}', outcome), count(*)::int from runs group by outcome
    union all
    select format('kyu_job_failures_total{job_type="%s"}', job_type), count(*)::int from runs
      where outcome in ('failed', 'dead') group by job_type
    union all
    select 'kyu_jobs_dead_total', count(*)::int from jobs where status = 'dead'
    union all
    select 'kyu_queue_depth', count(*)::int from jobs where status = 'pending'`,
    [queueName],
  );
  const metrics = parse(await page(pageUrl));
  return compare(
    new Map(rows.map(({ metric, value }) => [metric, value])),
    new Map(
      [...metrics]
        .filter(([name]) =>
          /^kyu_(jobs_total|jobs_processed_total|job_failures_total|jobs_dead_total|queue_depth)\b/.test(
            name,
          ),
        )
        .map(([name, value]) => [withoutQueue(name), value]),
    ),
  );
}

/** Each series of a named queue has its name as a label, here one more than is asked for. */
const withoutQueue = (metric: string): string =>
  metric.replace(/,?queue="[^"]*",?/, '').replace('{}', '');

/** The shop's own counter, which is on a page of its own. */
export async function checkShopMetrics(
  apiUrl: string,
  orders: number,
): Promise<Check[]> {
  const metrics = parse(await page(`${apiUrl}/shop/metrics`));
  return compare(new Map([['shop_orders_total', orders]]), metrics);
}

/** What either side has: a metric that is not 0 though nothing in the table explains it is wrong, and so is one that is missing. */
function compare(
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): Check[] {
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names].map((what) => ({
    what,
    expected: String(expected.get(what) ?? 0),
    found: String(found.get(what) ?? 'none'),
  }));
}

async function page(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/** Prometheus's text format, as far as counters and gauges with at most one label need it. */
function parse(text: string): Map<string, number> {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}
