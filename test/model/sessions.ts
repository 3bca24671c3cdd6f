import { Client } from 'pg';
import {
  sqlNames,
  type Statement,
} from '../../libs/kyu/src/store/statement.js';
import { POSTGRES_URL } from '../support/servers.js';

/** A statement that has not come back after this is looked up in pg_blocking_pids. */
const PATIENCE_MS = 4;

/** One operation: a statement of the library with its values, in a transaction of its own. */
export interface Operation {
  name: string;
  statement: Statement<unknown>;
  values: unknown[];
  /** - `one`: begin, run and commit at once. `two`: begin and run, then commit. `three`: each by itself. */
  parts: 'one' | 'two' | 'three';
}

export interface Answer {
  name: string;
  rows: Record<string, unknown>[];
}

/** A settle tells how many it settled, all others have a row for each. */
export const hasChanged = ({ name, rows }: Answer): boolean =>
  name === 'settle' ? rows[0]!.settled === 1 : rows.length > 0;

/** What one session does, in this order. */
export type Script = readonly Operation[];

/** Every order in which the parts of the scripts can follow each other: session numbers. */
export function* orders(counts: readonly number[]): Generator<number[]> {
  if (counts.every((count) => count === 0)) return void (yield []);
  for (const [session, count] of counts.entries()) {
    if (count === 0) continue;
    for (const rest of orders(counts.with(session, count - 1)))
      yield [session, ...rest];
  }
}

type Part = (session: Session) => Promise<void>;

/** The parts of a script, one by one. */
export function partsOf(
  script: Script,
  schema: string,
  answers: Answer[],
): Part[] {
  const names = sqlNames({ schema, prefix: 'kyu_' });
  return script.flatMap(({ name, statement, values, parts }) => {
    const begin: Part = (session) => session.send('BEGIN');
    const run: Part = async (session) => {
      await session.send({ ...statement.for(names), values }, (rows) =>
        answers.push({ name, rows }),
      );
    };
    const commit: Part = (session) => session.send('COMMIT');
    const all = (...each: Part[]): Part[] => [
      async (session) => {
        await Promise.all(each.map((part) => part(session)));
      },
    ];
    if (parts === 'one') return all(begin, run, commit);
    if (parts === 'two') return [...all(begin, run), commit];
    return [begin, run, commit];
  });
}

/** A connection whose statements may wait for those of another. What is sent to one that waits, waits behind. */
export class Session {
  private readonly client = new Client({ connectionString: POSTGRES_URL });
  private outstanding: Promise<void> = Promise.resolve();
  private count = 0;
  private pid = 0;
  private failure: unknown;
  /** How often a statement had to wait for another session. */
  waits = 0;

  static async open(): Promise<Session> {
    const session = new Session();
    await session.client.connect();
    const { rows } = await session.client.query<{ pid: number }>(
      'SELECT pg_backend_pid() AS pid',
    );
    session.pid = rows[0]!.pid;
    // A step that hangs must fail, not hang the tests; and who waits for whom is the same without the disk.
    await session.client.query(
      `SET statement_timeout = '5s'; SET synchronous_commit = off`,
    );
    return session;
  }

  get busy(): boolean {
    return this.count > 0;
  }

  send(
    query: string | { name: string; text: string; values: unknown[] },
    take: (rows: Record<string, unknown>[]) => void = () => undefined,
  ): Promise<void> {
    this.count++;
    this.outstanding = this.outstanding
      .then(() => this.client.query<Record<string, unknown>>(query as string))
      .then(({ rows }) => take(rows))
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.count--);
    return this.outstanding;
  }

  /** Resolves when it has done all that was sent, or waits for another session. */
  async restsOrWaits(control: Client): Promise<void> {
    while (this.busy) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        this.outstanding,
        new Promise((resolve) => {
          timer = setTimeout(resolve, PATIENCE_MS);
        }),
      ]);
      clearTimeout(timer);
      if (!this.busy) return;
      const { rows } = await control.query<{ waits: boolean }>({
        name: 'waits',
        text: 'SELECT cardinality(pg_blocking_pids($1)) > 0 AS waits',
        values: [this.pid],
      });
      if (rows[0]!.waits) {
        this.waits++;
        return;
      }
    }
  }

  /** @throws what a statement has thrown. */
  async finish(): Promise<void> {
    await this.outstanding;
    const { failure } = this;
    this.failure = undefined;
    if (failure) {
      await this.client.query('ROLLBACK');
      throw failure as Error;
    }
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

/** Runs the parts in this order; those of a session that waits for another, as soon as it can. */
export async function play(
  order: readonly number[],
  scripts: readonly Part[][],
  sessions: readonly Session[],
  control: Client,
): Promise<void> {
  const next = scripts.map(() => 0);
  for (const number of order) {
    const session = sessions[number]!;
    void scripts[number]![next[number]!++]!(session);
    await session.restsOrWaits(control);
    for (const other of sessions)
      if (other.busy && other !== session) await other.restsOrWaits(control);
  }
  for (const session of sessions) await session.finish();
}
