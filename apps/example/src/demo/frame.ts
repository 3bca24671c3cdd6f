import type { PlannedJobs } from './plan.js';
import { fit, oneLine, type Piece, type Screen, type Style } from './screen.js';
import {
  PHASES,
  type Failure,
  type Phase,
  type TypeTally,
  type Tally,
} from './tally.js';

const COLUMNS: Record<Phase, { heading: string; style: Style }> = {
  waiting: { heading: '  wait', style: 'white' },
  running: { heading: '  run', style: 'cyan' },
  retrying: { heading: '  retry', style: 'yellow' },
  completed: { heading: '  done', style: 'green' },
  dead: { heading: '  dead', style: 'red' },
  cancelled: { heading: '  cancel', style: 'magenta' },
};
const TYPE_WIDTH = 16;
const BAR_WIDTH = 10;
const MEAN_WAIT = '   mean wait';
const SHOWS_WIDTH = 25;
const SPARKS = '▁▂▃▄▅▆▇█';
const SPARKLINE_WIDTH = 40;
/** Lines of a frame that are not job types, totals included. */
const FIXED_LINES = 7;

/** The live table as lines that fit the screen. Pure. */
export function drawFrame(
  tally: Tally,
  plan: readonly PlannedJobs[],
  screen: Screen,
): string[] {
  // What matters least comes only where there is room for it.
  const layout = {
    shows: screen.columns >= 80,
    bar: screen.columns >= 96,
    wait: screen.columns >= 110,
  };
  const planned = plan.reduce((sum, { count }) => sum + count, 0);
  const row = (
    [name, style]: Piece,
    counts: TypeTally,
    count: number,
    shows: string,
  ): Piece[] => [
    [name.slice(0, TYPE_WIDTH - 1).padEnd(TYPE_WIDTH), style],
    ...PHASES.map((phase) => cell(counts[phase], phase)),
    ...(layout.shows
      ? [[`  ${shows}`.padEnd(SHOWS_WIDTH), 'dim'] as const]
      : []),
    ...(layout.bar ? bar(endedOf(counts), count) : []),
    ...(layout.wait ? [meanWait(counts)] : []),
  ];
  const header: Piece[] = [
    ['job type'.padEnd(TYPE_WIDTH), 'dim'],
    ...PHASES.map((phase) => [COLUMNS[phase].heading, 'dim'] as const),
    ...(layout.wait
      ? [
          [
            MEAN_WAIT.padStart(SHOWS_WIDTH + 2 + BAR_WIDTH + MEAN_WAIT.length),
            'dim',
          ] as const,
        ]
      : []),
  ];
  const lines: Piece[][] = [
    title(tally, planned),
    [],
    header,
    ...plan.map(({ type, count, shows }) =>
      row([type], tally.types.get(type)!, count, shows),
    ),
    row(['all', 'bold'], tally.total, planned, ''),
    [],
    sparkline(tally),
    [],
    ...failures(tally.failures, screen.rows - plan.length - FIXED_LINES - 2),
  ];
  // One row stays free for the cursor; on a lower screen the end is missing, not the beginning.
  return lines
    .slice(0, Math.max(screen.rows - 1, 1))
    .map((pieces) => fit(pieces, screen));
}

function title(tally: Tally, planned: number): Piece[] {
  return [
    ['Kyu, a day in a small shop', 'bold'],
    [`   ${(tally.elapsedMs / 1000).toFixed(1)} s   `],
    [`${tally.finished} of ${planned} jobs ended`, 'green'],
  ];
}

function cell(count: number, phase: Phase): Piece {
  const { heading, style } = COLUMNS[phase];
  const width = heading.length;
  return count === 0
    ? ['·'.padStart(width), 'dim']
    : [String(count).padStart(width), style];
}

function meanWait({ waitedMs, claims }: TypeTally): Piece {
  const text = claims === 0 ? '·' : `${Math.round(waitedMs / claims)} ms`;
  return [text.padStart(MEAN_WAIT.length), 'dim'];
}

const endedOf = (counts: TypeTally): number =>
  counts.completed + counts.dead + counts.cancelled;

function bar(ended: number, planned: number): Piece[] {
  const full = Math.floor((Math.min(ended / planned, 1) || 0) * BAR_WIDTH);
  return [
    ['  '],
    ['█'.repeat(full), 'green'],
    ['░'.repeat(BAR_WIDTH - full), 'dim'],
  ];
}

function sparkline(tally: Tally): Piece[] {
  const rates = tally.throughput(SPARKLINE_WIDTH);
  const highest = Math.max(...rates, 1);
  const line = rates.map(
    (rate) => SPARKS[Math.ceil((rate / highest) * (SPARKS.length - 1))],
  );
  const now = Math.round((rates.at(-1)! + rates.at(-2)!) / 2);
  return [
    ['runs a second   ', 'dim'],
    [line.join(''), 'cyan'],
    [`  ${now} now, ${Math.round(highest)} at most`],
  ];
}

function failures(all: readonly Failure[], room: number): Piece[][] {
  if (room < 2) return [];
  return [
    [['recent failures', 'dim']],
    ...all
      .slice(-Math.min(room - 1, 5))
      .map(({ jobType, error, dead }): Piece[] => [
        dead ? ['dead   ', 'red'] : ['retries', 'yellow'],
        [`  ${jobType.padEnd(TYPE_WIDTH)}`],
        [oneLine(error), 'dim'],
      ]),
  ];
}
