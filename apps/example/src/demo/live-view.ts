import type { KyuEvents } from '@kyu/nestjs';
import { drawFrame } from './frame.js';
import type { PlannedJobs } from './plan.js';
import { oneLine } from './screen.js';
import type { Tally } from './tally.js';

/** What one can watch while the demo works. */
export interface LiveView {
  /** Something that the numbers do not tell. */
  note(text: string): void;
  /** Shows the final numbers and leaves the terminal as it was. */
  stop(): void;
}

type Output = NodeJS.WriteStream;
const REDRAW_MS = 100;
const REPORT_MS = 1_000;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_SCREEN = '\x1b[H\x1b[2J';
const up = (lines: number): string => (lines > 0 ? `\x1b[${lines}A` : '');

/** A table that redraws itself on a terminal; a line a second and the deaths where there is none. */
export function startLiveView(
  tally: Tally,
  plan: readonly PlannedJobs[],
  events: readonly KyuEvents[],
  output: Output = process.stdout,
): LiveView {
  return output.isTTY && process.env.TERM !== 'dumb'
    ? new TableView(tally, plan, output)
    : new LineView(tally, events, output);
}

class TableView implements LiveView {
  private readonly timer = setInterval(() => this.draw(), REDRAW_MS);
  private readonly notes: string[] = [];
  private drawn = 0;
  private readonly resized = (): void => {
    // The terminal has wrapped the old frame anew, so nobody knows where it begins.
    this.output.write(CLEAR_SCREEN);
    this.drawn = 0;
    this.draw();
  };
  private readonly restore = (): void => {
    this.output.write(SHOW_CURSOR);
  };

  constructor(
    private readonly tally: Tally,
    private readonly plan: readonly PlannedJobs[],
    private readonly output: Output,
  ) {
    output.write(HIDE_CURSOR);
    output.on('resize', this.resized);
    process.once('exit', this.restore); // also after an uncaught exception
    this.draw();
  }

  /** Above the table, where it scrolls away like any output. */
  note(text: string): void {
    this.notes.push(oneLine(text));
  }

  stop(): void {
    clearInterval(this.timer);
    this.draw();
    this.output.off('resize', this.resized);
    process.off('exit', this.restore);
    this.restore();
  }

  /** One write for a frame, or it would flicker. */
  private draw(): void {
    // Some terminals do not know their size and say 0.
    const columns = this.output.columns || 80;
    const rows = this.output.rows || 24;
    const color = this.output.hasColors() && !process.env.NO_COLOR;
    const frame = drawFrame(this.tally, this.plan, { columns, rows, color });
    const lines = [...this.notes.splice(0), ...frame];
    this.output.write(
      `\r${up(this.drawn)}${lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('')}${CLEAR_BELOW}`,
    );
    this.drawn = frame.length;
  }
}

class LineView implements LiveView {
  private readonly timer = setInterval(() => this.report(), REPORT_MS);
  private readonly unsubscribe: (() => void)[];

  constructor(
    private readonly tally: Tally,
    events: readonly KyuEvents[],
    private readonly output: Output,
  ) {
    this.unsubscribe = events.flatMap((each) => [
      each.on('job.settled', ({ id, jobType, status, error }) => {
        if (status === 'dead') this.note(`${jobType} ${id} is dead: ${error}`);
      }),
      each.on('job.rescued', ({ id, jobType }) =>
        this.note(`${jobType} ${id} was taken back from a lost worker`),
      ),
    ]);
  }

  note(text: string): void {
    this.output.write(`      ${oneLine(text)}\n`);
  }

  stop(): void {
    clearInterval(this.timer);
    for (const off of this.unsubscribe) off();
    this.report();
  }

  private report(): void {
    const { total } = this.tally;
    const [before, last] = this.tally.throughput(2);
    const seconds = Math.round(this.tally.elapsedMs / 1000);
    this.output.write(
      `${`${seconds} s`.padStart(5)} ` +
        `waiting ${total.waiting}, running ${total.running}, retrying ${total.retrying}, completed ${total.completed}, ` +
        `dead ${total.dead}, cancelled ${total.cancelled}; ${(before! + last!) / 2} runs/s\n`,
    );
  }
}
