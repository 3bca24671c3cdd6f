import { judgeHealth, type Findings } from './judge-health.js';

const WELL: Findings = {
  queue: 'kyu:default',
  store: {
    workersAlive: 2,
    overdue: false,
    oldestWaitingMs: undefined,
    schemaVersion: 'V1',
    missingMigrations: [],
  },
  redis: 'up',
  worker: {
    state: 'started',
    fenced: false,
    freeSlots: 5,
    sinceClaimMs: 60_000,
  },
  maxWaitingMs: undefined,
};
const store = WELL.store!;
const { worker } = WELL;

describe('judgeHealth', () => {
  it('says up for what is well, idle or not', () => {
    expect(judgeHealth(WELL)).toEqual({
      status: 'up',
      problems: [],
      queue: 'kyu:default',
      postgres: 'up',
      redis: 'up',
      worker: 'working',
      workersAlive: 2,
      schemaVersion: 'V1',
    });
  });

  it.each<[string, Partial<Findings>, string, RegExp]>([
    ['Postgres is away', { store: undefined }, 'down', /^PostgreSQL does not/],
    [
      'migrations are missing',
      { store: { ...store, missingMigrations: ['V2'] } },
      'down',
      /lack 1 migration\(s\) of this version: V2/,
    ],
    [
      'a job waits beyond the limit',
      { store: { ...store, oldestWaitingMs: 1_001 }, maxWaitingMs: 1_000 },
      'down',
      /due for 1001 ms, the limit is 1000/,
    ],
    [
      'the worker is idle while due work waits',
      { store: { ...store, overdue: true } },
      'down',
      /claimed nothing for 5000 ms/,
    ],
    [
      'the worker is fenced',
      { worker: { ...worker, fenced: true } },
      'down',
      /heartbeat/,
    ],
    [
      'nobody works',
      { store: { ...store, workersAlive: 0 } },
      'degraded',
      /No worker/,
    ],
    ['Redis is away', { redis: 'down' }, 'degraded', /^Redis cannot/],
    [
      'the ready queue warns',
      { redisWarnings: ['The key is not ours.'] },
      'degraded',
      /^The key is not ours\.$/,
    ],
    [
      'the worker stops',
      { worker: { ...worker, state: 'stopped' } },
      'degraded',
      /stopping/,
    ],
  ])('when %s', (_, findings, status, problem) => {
    const report = judgeHealth({ ...WELL, ...findings });
    expect(report.status).toBe(status);
    expect(report.problems).toEqual([expect.stringMatching(problem)]);
  });

  it.each<[string, Partial<Findings>]>([
    [
      'all slots are busy',
      {
        store: { ...store, overdue: true },
        worker: { ...worker, freeSlots: 0 },
      },
    ],
    [
      'it has just claimed',
      {
        store: { ...store, overdue: true },
        worker: { ...worker, sinceClaimMs: 4_999 },
      },
    ],
    [
      'it is no worker',
      {
        store: { ...store, overdue: true },
        worker: { ...worker, state: 'none' },
      },
    ],
    ['Redis is not used', { redis: 'off' }],
    [
      'a job waits within the limit',
      { store: { ...store, oldestWaitingMs: 1_000 }, maxWaitingMs: 1_000 },
    ],
  ])('is up when %s', (_, findings) => {
    expect(judgeHealth({ ...WELL, ...findings }).status).toBe('up');
  });

  it('is down when one thing is bad and another poor, and names both, the bad first', () => {
    const report = judgeHealth({ ...WELL, store: undefined, redis: 'down' });
    expect(report.status).toBe('down');
    expect(report.problems).toHaveLength(2);
    expect(report.problems[0]).toContain('PostgreSQL');
    expect(report).not.toHaveProperty('workersAlive');
  });
});
