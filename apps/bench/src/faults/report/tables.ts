import { CONTESTANTS } from '../contestants.js';
import { PATIENCE_MS, type FaultName } from '../faults.js';
import type { CaseResult } from '../harness/case.js';

export interface Table {
  head: string[];
  rows: string[][];
}

type Column = [title: string, cell: (result: CaseResult) => string | number];

const LATE = `not run after ${PATIENCE_MS / 1000} s`;

const OUTCOME: Column[] = [
  ['acked', ({ acked }) => acked],
  ['lost', ({ lost }) => lost],
  [LATE, ({ late }) => late],
  ['doubled', ({ doubled }) => doubled],
  ['overlapping', ({ overlapping }) => overlapping],
];
const AGAIN: Column = [
  'finished, will run again',
  ({ willRunAgain }) => willRunAgain,
];

const COLUMNS: Record<FaultName, Column[]> = {
  none: OUTCOME,
  kill: [
    [
      'jobs running at each kill',
      ({ hits }) => hits.map(({ running }) => running).join(', '),
    ],
    ...OUTCOME,
    AGAIN,
    ['rescued', ({ rescue: r }) => `${r.rescued} of ${r.interrupted}`],
    ['rescue p50 / max', (result) => rescueTimes(result)],
  ],
  flush: [
    [
      'jobs waiting, running at the flush',
      ({ hits }) =>
        hits.map(({ running, waiting }) => `${waiting}, ${running}`).join('; '),
    ],
    ...OUTCOME,
    AGAIN,
    ['all done after', (result) => doneAfter(result)],
  ],
  crash: [
    [
      'jobs running at each crash',
      ({ hits }) => hits.map(({ running }) => running).join(', '),
    ],
    ['calls refused', ({ refused }) => refused],
    ...OUTCOME,
    AGAIN,
    ['processes that gave up', ({ surprises }) => surprises],
    ['all done after', (result) => doneAfter(result)],
  ],
};

export function tableOf(fault: FaultName, cases: readonly CaseResult[]): Table {
  const columns = COLUMNS[fault];
  return {
    head: ['', ...columns.map(([title]) => title)],
    rows: CONTESTANTS.flatMap(({ name, title }) => {
      const result = cases.find(
        (each) => each.contestant === name && each.fault === fault,
      );
      if (!result) return [];
      return [[title, ...columns.map(([, cell]) => String(cell(result)))]];
    }),
  };
}

/** One line a contestant: what most people came for. */
export function summary(cases: readonly CaseResult[]): Table {
  const faulty = (contestant: string) =>
    cases.filter((c) => c.contestant === contestant && c.fault !== 'none');
  const sum = (results: CaseResult[], of: (result: CaseResult) => number) =>
    String(results.reduce((total, result) => total + of(result), 0));
  return {
    head: [
      '',
      'acked',
      'lost',
      LATE,
      'doubled',
      'finished, will run again',
      'overlapping',
      'rescue p50 / max',
    ],
    rows: CONTESTANTS.flatMap(({ name, title }) => {
      const results = faulty(name);
      if (results.length === 0) return [];
      const killed = results.find(({ fault }) => fault === 'kill');
      return [
        [
          title,
          sum(results, ({ acked }) => acked),
          sum(results, ({ lost }) => lost),
          sum(results, ({ late }) => late),
          sum(results, ({ doubled }) => doubled),
          sum(results, ({ willRunAgain }) => willRunAgain),
          sum(results, ({ overlapping }) => overlapping),
          killed ? rescueTimes(killed) : '–',
        ],
      ];
    }),
  };
}

function rescueTimes({ rescue }: CaseResult): string {
  const { interrupted, rescued, p50, max } = rescue;
  const over = `> ${PATIENCE_MS / 1000} s`;
  if (rescued === 0) return interrupted === 0 ? '–' : over;
  return `${seconds(p50)} / ${rescued === interrupted ? seconds(max) : over}`;
}

const doneAfter = ({ lost, settledMs }: CaseResult): string =>
  lost > 0 ? 'never' : seconds(settledMs);

const seconds = (ms: number | undefined): string =>
  ms === undefined
    ? `> ${PATIENCE_MS / 1000} s`
    : `${(ms / 1000).toFixed(1)} s`;
