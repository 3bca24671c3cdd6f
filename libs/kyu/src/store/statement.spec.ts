import * as healthSql from './health.sql.js';
import * as jobSql from './job.sql.js';
import * as readerSql from './job-reader.sql.js';
import * as maintenanceSql from './maintenance.sql.js';
import * as settleSql from './settle.sql.js';
import * as transactionalSql from './transactional.sql.js';
import * as workerSql from './worker.sql.js';
import { sqlNames, Statement } from './statement.js';

const names = sqlNames({ schema: 'public', prefix: 'kyu_' });

/** Each statement of the library, by the name of its constant. */
const STATEMENTS = Object.entries<unknown>({
  ...healthSql,
  ...jobSql,
  ...readerSql,
  ...maintenanceSql,
  ...settleSql,
  ...transactionalSql,
  ...workerSql,
}).filter(
  (entry): entry is [string, Statement<unknown>] =>
    entry[1] instanceof Statement,
);

describe('sqlNames', () => {
  it('quotes schema and tables', () => {
    expect(names).toMatchObject({
      schema: '"public"',
      jobs: '"public"."kyu_jobs"',
      workers: '"public"."kyu_workers"',
      migrations: '"public"."kyu_migrations"',
    });
    expect(names.index('waiting')).toBe('"kyu_jobs_waiting"');
  });

  it('doubles quotes: no name can end its quotes', () => {
    const evil = sqlNames({ schema: 'a"; DROP SCHEMA x; --', prefix: '"' });
    expect(evil.schema).toBe('"a""; DROP SCHEMA x; --"');
    expect(evil.jobs).toBe('"a""; DROP SCHEMA x; --"."""jobs"');
    expect(evil.index('dead')).toBe('"""jobs_dead"');
  });

  it('keeps upper case, and takes an empty prefix', () => {
    expect(sqlNames({ schema: 'Jobs', prefix: '' }).jobs).toBe('"Jobs"."jobs"');
  });
});

describe('Statement', () => {
  const count = new Statement('count', ({ jobs }) => `SELECT ${jobs}`);

  it('is made once for the same names', () => {
    let made = 0;
    const statement = new Statement('x', () => `SELECT ${++made}`);
    expect(statement.for(names)).toBe(statement.for(names));
    expect(made).toBe(1);
  });

  it('has a name that says what it does', () => {
    expect(count.for(names).name).toMatch(/^kyu_count_[0-9a-f]{10}$/);
  });

  it('has the same name for the same text, in every process', () => {
    const again = sqlNames({ schema: 'public', prefix: 'kyu_' });
    expect(count.for(again)).toEqual(count.for(names));
    expect(count.for(again).name).toBe('kyu_count_4a57ba62b1');
  });

  it('has another name for another schema: a pool may be shared by both', () => {
    const other = sqlNames({ schema: 'other', prefix: 'kyu_' });
    expect(count.for(other).name).not.toBe(count.for(names).name);
    expect(count.for(other).text).toBe('SELECT "other"."kyu_jobs"');
  });

  it('has another name when a new version of Kyu changes its text', () => {
    const changed = new Statement('count', ({ jobs }) => `SELECT 1 ${jobs}`);
    expect(changed.for(names).name).not.toBe(count.for(names).name);
  });
});

describe('the statements of the library', () => {
  it('are found', () => {
    expect(STATEMENTS.length).toBeGreaterThanOrEqual(12);
  });

  it.each(STATEMENTS)('%s has a name that PostgreSQL does not cut', (_, s) => {
    expect(Buffer.byteLength(s.for(names).name)).toBeLessThanOrEqual(63);
  });

  it('have names of their own', () => {
    const all = STATEMENTS.map(([, statement]) => statement.for(names).name);
    expect(new Set(all).size).toBe(all.length);
  });

  it.each(STATEMENTS)('%s uses all of its parameters, from $1 on', (_, s) => {
    const used = [...s.for(names).text.matchAll(/\$(\d+)/g)].map(numberIn);
    const numbers = [...new Set(used)].toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_n, i) => i + 1));
  });

  it.each(STATEMENTS)('%s names its tables with their schema', (_, s) => {
    const schemas = s
      .for(sqlNames({ schema: 'S', prefix: 'P_' }))
      .text.matchAll(/([\w".]*)"P_\w+"/g);
    for (const [, before] of schemas) expect(before).toBe('"S".');
  });

  it.each(STATEMENTS)('%s calls only functions of pg_catalog', (_, s) => {
    const text = s.for(names).text.replace(/--.*/g, '');
    const called = [...text.matchAll(/(?<![\w."$]|\bAS )([a-z_]\w*)\(/gi)];
    const others = called
      .map(([, name]) => name!)
      .filter((name) => !SYNTAX.includes(name));
    expect(others).toEqual([]);
  });

  it.each(STATEMENTS)('%s reads the same whatever a backslash is', (_, s) => {
    expect(s.for(names).text.replace(String.raw`E'\n'`, '')).not.toContain(
      '\\',
    );
  });
});

/** What looks like a function and cannot be replaced by one. */
const SYNTAX = ['coalesce', 'extract', 'greatest', 'nullif', 'unnest'].concat([
  'ANY',
  'ARRAY',
  'CAST',
  'EXISTS',
  'IN',
  'VALUES',
]);

const numberIn = (match: RegExpMatchArray): number => Number(match[1]);
