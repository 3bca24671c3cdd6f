import { PostgresUnavailableError } from '../errors/kyu.errors.js';
import { isOutage } from './is-outage.js';
import { PostgresOutage } from './postgres-outage.js';

const AWAY = new PostgresUnavailableError('away');
const READ_ONLY = Object.assign(new Error('read-only'), { code: '25006' });

function newOutage() {
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const clock = { now: 0 };
  const log = { log: say, warn: say, error: say };
  const outage = new PostgresOutage('db:5432/app', log, () => clock.now);
  const fails = (at: number, verb = 'settle', error: unknown = AWAY): void => {
    clock.now = at;
    outage.failed(verb, error, 'connect ECONNREFUSED');
  };
  const succeeds = (at: number): void => {
    clock.now = at;
    outage.succeeded();
  };
  return { outage, lines, fails, succeeds };
}

describe('PostgresOutage', () => {
  it('is two lines, however many statements fail', () => {
    const { lines, fails, succeeds, outage } = newOutage();
    for (let at = 0; at < 30_000; at += 10)
      fails(at, at % 30 === 0 ? 'claim_popped_unheld' : 'settle');
    outage.runsStopped(7);
    succeeds(31_000);
    succeeds(32_000);
    expect(lines).toEqual([
      'PostgreSQL at db:5432/app cannot be used: connect ECONNREFUSED. Enqueues fail and no job is claimed until it can; running jobs go on, and Kyu tries again by itself.',
      'PostgreSQL at db:5432/app is back, 31.0 s after the first failure. Failed meanwhile: 3000 statements (2000 settle, 1000 claim popped). 7 running job(s) were told to stop, as the lease of this worker was over.',
    ]);
    expect(outage.isOpen).toBe(false);
  });

  it('is not over by one statement that succeeds between others that fail', () => {
    const { lines, fails, succeeds } = newOutage();
    fails(0);
    for (let at = 0; at < 10_000; at += 500) {
      fails(at);
      succeeds(at + 400);
    }
    expect(lines).toHaveLength(1);
    succeeds(11_000);
    expect(lines).toHaveLength(2);
  });

  it('of a server that takes no writes is not over while only reads succeed', () => {
    const { lines, fails, succeeds } = newOutage();
    for (let at = 0; at < 20_000; at += 3_000) {
      fails(at, 'claim_waiting', READ_ONLY);
      succeeds(at + 2_500);
    }
    expect(lines).toHaveLength(1);
    succeeds(25_000);
    expect(lines).toHaveLength(2);
  });

  it('that comes again within a minute is not told by two lines each time', () => {
    const { lines, fails, succeeds } = newOutage();
    for (let at = 0; at < 600_000; at += 5_000) {
      fails(at);
      fails(at);
      succeeds(at + 2_000);
    }
    expect(lines).toHaveLength(3); // gone, back, gone
    succeeds(640_000);
    expect(lines).toHaveLength(4);
  });

  it('is not a single connection that breaks: that is a warning', () => {
    const { lines, fails, succeeds, outage } = newOutage();
    for (let at = 0; at < 3; at++) {
      fails(at);
      expect(outage.isOpen).toBe(false);
      succeeds(at);
    }
    expect(new Set(lines)).toEqual(
      new Set([
        'A connection to PostgreSQL at db:5432/app broke (connect ECONNREFUSED), and a statement failed (settle). Others succeed.',
      ]),
    );
    expect(outage.successCount).toBe(3);
  });

  it('is nothing that the statement itself is to blame for', () => {
    const { lines, fails } = newOutage();
    for (const code of ['23505', '55P03', '42501', undefined])
      fails(0, 'settle', Object.assign(new Error('x'), { code }));
    fails(0, 'settle', null);
    expect(lines).toEqual([]);
    expect(isOutage(Object.assign(new Error(''), { code: '53100' }))).toBe(
      true,
    );
  });
});
