import { judgeHealth, type Findings } from './judge-health.js';

const WELL: Findings = {
  queue: 'kyu:default',
  store: {
    workersAlive: 2,
    overdue: undefined,
    oldest: undefined,
    unhandled: undefined,
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
const due = { id: '42', jobType: 'work', dueMs: 1_001 };

describe('judgeHealth', () => {
  it('says up for what is well, idle or not', () => {
    expect(judgeHealth(WELL)).toEqual({
      status: 'up',
      live: true,
      ready: true,
      problems: [],
      warnings: [],
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
      'the worker is idle while due work waits',
      { store: { ...store, overdue: due } },
      'down',
      /claimed nothing for 5000 ms.*42 of type "work"/,
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
    [
      'a job waits beyond the limit',
      { store: { ...store, oldest: due }, maxWaitingMs: 1_000 },
      'degraded',
      /42 of type "work" has been due for 1001 ms, and the limit is 1000/,
    ],
    [
      'no live worker runs the type of a due job',
      { store: { ...store, unhandled: due } },
      'degraded',
      /^No live worker has a handler.*42 of type "work"/,
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
    const told = [expect.stringMatching(problem)];
    expect(report).toMatchObject({
      status,
      live: true,
      ready: status !== 'down',
      problems: status === 'down' ? told : [],
      warnings: status === 'down' ? [] : told,
    });
  });

  it.each([
    ['not live', 'no other session holds the due job', true],
    ['live', 'another session holds it, which no restart heals', false],
  ])('is %s when stuck and %s', (_, __, claimable) => {
    const report = judgeHealth({
      ...WELL,
      store: { ...store, overdue: due },
      claimable,
    });
    expect(report).toMatchObject({ live: !claimable, ready: false });
  });

  it.each<[string, Partial<Findings>]>([
    [
      'all slots are busy',
      {
        store: { ...store, overdue: due },
        worker: { ...worker, freeSlots: 0 },
      },
    ],
    [
      'it has just claimed',
      {
        store: { ...store, overdue: due },
        worker: { ...worker, sinceClaimMs: 4_999 },
      },
    ],
    [
      'it is no worker',
      {
        store: { ...store, overdue: due },
        worker: { ...worker, state: 'none' },
      },
    ],
    ['Redis is not used', { redis: 'off' }],
    [
      'a job waits within the limit',
      {
        store: { ...store, oldest: { ...due, dueMs: 1_000 } },
        maxWaitingMs: 1_000,
      },
    ],
  ])('is up when %s', (_, findings) => {
    expect(judgeHealth({ ...WELL, ...findings }).status).toBe('up');
  });

  it('is down when one thing is bad and another poor, and names both', () => {
    const report = judgeHealth({ ...WELL, store: undefined, redis: 'down' });
    expect(report).toMatchObject({
      status: 'down',
      problems: [expect.stringMatching(/^PostgreSQL/)],
      warnings: [expect.stringMatching(/^Redis/)],
    });
    expect(report).not.toHaveProperty('workersAlive');
  });
});
