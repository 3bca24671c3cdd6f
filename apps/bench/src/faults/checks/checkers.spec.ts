import {
  doubled,
  gaps,
  hits,
  overlapping,
  percentile,
  rescues,
  unfinished,
  willRunAgain,
} from './checkers.js';
import { runsOf, type Fault, type Line } from './evidence.js';

type Short = [
  kind: Line['kind'],
  key: string,
  mono: number,
  process?: string,
  token?: number,
];

const ledger = (...lines: Short[]): Line[] =>
  lines.map(([kind, key, mono, process = 'worker', token = 1]) => ({
    kind,
    key,
    mono,
    process,
    token,
    at: mono,
    pid: 1,
  }));

const runs = (lines: Line[], deaths: [string, number][] = []) =>
  runsOf({ lines, deaths: new Map(deaths) });

const kill = (mono: number, process = 'worker'): Fault => ({
  kind: 'SIGKILL',
  mono,
  process,
});

describe('runsOf', () => {
  it('ends a run with its own ending, not with that of another run of the same job', () => {
    const found = runs(
      ledger(
        ['start', 'a', 1, 'one', 1],
        ['start', 'a', 2, 'one', 2],
        ['end', 'a', 3, 'one', 2],
      ),
    );
    expect(found.map(({ how, overAt }) => [how, overAt])).toEqual([
      ['open', Infinity],
      ['end', 3],
    ]);
  });

  it('ends what has no ending with its process', () => {
    const [run] = runs(ledger(['start', 'a', 1]), [['worker', 5]]);
    expect(run).toMatchObject({ how: 'died', overAt: 5 });
  });
});

describe('unfinished', () => {
  const lines = ledger(
    ['ack', 'gone', 1],
    ['ack', 'kept', 1],
    ['ack', 'done', 1],
    ['err', 'refused', 1],
    ['start', 'done', 2],
    ['end', 'done', 3],
    ['start', 'gone', 4, 'other'],
    ['throw', 'gone', 5, 'other'],
  );

  it('is lost when the store does not hold it, late when it does', () => {
    expect(unfinished({ lines, held: new Set(['kept']) }, runs(lines))).toEqual(
      { lost: ['gone'], late: ['kept'] },
    );
  });
});

describe('doubled', () => {
  it('counts ends, not starts', () => {
    const lines = ledger(
      ['start', 'twice', 1, 'one', 1],
      ['end', 'twice', 2, 'one', 1],
      ['start', 'twice', 3, 'two', 1],
      ['end', 'twice', 4, 'two', 1],
      ['start', 'rescued', 1, 'one', 2],
      ['start', 'rescued', 3, 'two', 2],
      ['end', 'rescued', 4, 'two', 2],
    );
    expect(doubled(runs(lines, [['one', 2.5]]))).toEqual(['twice']);
  });

  it('foresees the second run of what is finished and still held', () => {
    const lines = ledger(['start', 'a', 1], ['end', 'a', 2]);
    expect(willRunAgain(new Set(['a', 'b']), runs(lines))).toEqual(['a']);
  });
});

describe('overlapping', () => {
  const lines = ledger(['start', 'a', 1, 'one'], ['start', 'a', 10, 'two']);

  it('finds a run that begins while another one goes on', () => {
    expect(overlapping(runs(lines))).toEqual(['a']);
  });

  it('lets a run begin once the process of the other one is gone', () => {
    expect(overlapping(runs(lines, [['one', 9]]))).toEqual([]);
    expect(overlapping(runs(lines, [['one', 11]]))).toEqual(['a']);
  });
});

describe('rescues', () => {
  const deaths: [string, number][] = [['worker', 10]];

  it('takes the time from the kill to the next start of each job that ran', () => {
    const lines = ledger(
      ['start', 'done', 1, 'worker', 1],
      ['end', 'done', 2, 'worker', 1],
      ['start', 'again', 3, 'worker', 2],
      ['start', 'never', 4, 'worker', 3],
      ['start', 'elsewhere', 5, 'other', 1],
      ['start', 'again', 40, 'other', 2],
      ['start', 'again', 90, 'other', 3],
    );
    expect(rescues([kill(10)], runs(lines, deaths))).toEqual([
      { key: 'again', afterMs: 30 },
      { key: 'never', afterMs: undefined },
    ]);
  });
});

describe('hits', () => {
  const lines = ledger(
    ['ack', 'runs', 1, 'producer'],
    ['ack', 'waits', 2, 'producer'],
    ['start', 'runs', 3],
    ['ack', 'later', 20, 'producer'],
    ['start', 'waits', 30, 'other'],
  );

  it('counts what ran in the killed process and what waited', () => {
    expect(
      hits({ lines, faults: [kill(10)] }, runs(lines, [['worker', 10]])),
    ).toEqual([{ kind: 'SIGKILL', running: 1, waiting: 1 }]);
  });

  it('counts what ran anywhere when a store was hit', () => {
    const faults: Fault[] = [{ kind: 'store crash', mono: 40 }];
    expect(hits({ lines, faults }, runs(lines))).toEqual([
      { kind: 'store crash', running: 2, waiting: 1 },
    ]);
  });
});

describe('gaps', () => {
  const complete = ledger(
    ['try', 'a', 1, 'producer'],
    ['ack', 'a', 2, 'producer'],
    ['start', 'a', 3],
    ['end', 'a', 4],
  );
  const check = (lines: Line[], deaths: [string, number][] = [], jobs = 1) =>
    gaps({ lines, deaths: new Map(deaths) }, runs(lines, deaths), jobs);

  it('has nothing to say of a complete ledger', () => {
    expect(check(complete)).toEqual([]);
  });

  it.each([
    ['1 jobs were never tried', complete, [], 2],
    ['1 calls have no answer', complete.filter((l) => l.kind !== 'ack'), [], 1],
    ['1 runs have no end', complete.filter((l) => l.kind !== 'end'), [], 1],
    [
      '1 calls have two answers',
      [...complete, ...ledger(['err', 'a', 5, 'producer'])],
      [],
      1,
    ],
    [
      '1 runs are of no known job',
      [...complete, ...ledger(['start', 'b', 5, 'x'], ['end', 'b', 6, 'x'])],
      [],
      1,
    ],
    [
      '1 ledgers have lines from after the end of their process',
      complete,
      [['worker', 3.5]],
      1,
    ],
  ] as [string, Line[], [string, number][], number][])(
    'says: %s',
    (complaint, lines, deaths, jobs) => {
      expect(check(lines, deaths, jobs)).toEqual([complaint]);
    },
  );
});

describe('percentile', () => {
  it('is a value that was there', () => {
    expect(percentile([3, 1, 2, 4], 0.5)).toBe(2);
    expect(percentile([3, 1, 2, 4], 1)).toBe(4);
    expect(percentile([], 0.5)).toBeUndefined();
  });
});
