import type { DataSource } from 'typeorm';
import type { Check } from './check.js';
import type { PlannedJobs } from './plan.js';

interface Count {
  name: string;
  jobs: number;
}

/** `select status, count(*)`, and nothing else: what anybody sees who looks into the table. */
export function countByStatus(
  dataSource: DataSource,
  table: string,
): Promise<Count[]> {
  return dataSource.query(
    `select status as name, count(*)::int as jobs from ${table} group by status order by status`,
  );
}

/** Each job type: how its jobs had to end, and how they stand in Postgres. */
export async function checkTable(
  dataSource: DataSource,
  table: string,
  plan: readonly PlannedJobs[],
): Promise<Check[]> {
  const rows: (Count & { status: string; runs: number })[] =
    await dataSource.query(
      `select job_type as name, status, count(*)::int as jobs, sum(jsonb_array_length(history) + (ran_by is not null)::int)::int as runs
         from ${table} group by 1, 2 order by 1, 2`,
    );
  const found = (type: string): string =>
    rows
      .filter(({ name }) => name === type)
      .map(({ jobs, status, runs }) => inWords(jobs, status, runs))
      .join(', ') || 'none';
  const [{ early }] = await dataSource.query<[{ early: number }]>(
    `select count(*)::int as early from ${table} where coalesce(ran_at, (history->-1->>'startedAt')::timestamptz) < scheduled_at and status <> 'cancelled'`,
  );
  const strangers = rows.filter(
    ({ name }) => !plan.some(({ type }) => type === name),
  );
  return [
    ...plan.map(({ type, count, endsAs, runs }) => ({
      what: type,
      expected: inWords(count, endsAs, count * runs),
      found: found(type),
    })),
    ...strangers.map(({ name }) => ({
      what: name,
      expected: 'none',
      found: found(name),
    })),
    {
      what: 'all',
      expected: '0 before due',
      found: `${early} before due`,
    },
  ];
}

const inWords = (jobs: number, status: string, runs: number): string =>
  `${jobs} ${status}, ${runs} runs`;
