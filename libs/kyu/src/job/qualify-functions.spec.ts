import { qualifyFunctions } from './qualify-functions.js';

describe('qualifyFunctions', () => {
  it.each([
    ['SELECT now()', 'SELECT pg_catalog.now()'],
    ['count(*)::int', 'pg_catalog.count(*)::int'],
    ['floor(round(x))', 'pg_catalog.floor(pg_catalog.round(x))'],
    ['unnest(job_types)', 'pg_catalog.unnest(job_types)'],
    ['unnest($1::uuid[])', 'pg_catalog.unnest($1::uuid[])'],
  ])('%s', (sql, qualified) => {
    expect(qualifyFunctions(sql)).toBe(qualified);
  });

  it.each([
    'pg_catalog.now()',
    'my.now()',
    '"now"()',
    '"x"."now"(1)',
    'known(1)', // ends as one of them
    'count',
    'coalesce(a, b)',
    'extract(epoch FROM a)',
    // Several arrays side by side: syntax, which needs the name alone.
    'unnest($1::uuid[], $2::int[])',
  ])('leaves %s as it is', (sql) => {
    expect(qualifyFunctions(sql)).toBe(sql);
  });
});
