import { JOB_TRANSITIONS, type JobStatus } from '@kyu/nestjs';
import { Client } from 'pg';
import { fullHistory } from '../../libs/kyu/src/job/attempt-record.sql.js';
import {
  CANCEL_IF_UNFINISHED,
  CLAIM_POPPED,
  CLAIM_POPPED_UNHELD,
} from '../../libs/kyu/src/store/job.sql.js';
import {
  SETTLE_IF_OWNED,
  SETTLE_UNHELD,
} from '../../libs/kyu/src/store/settle.sql.js';
import { RESCUE_STALE } from '../../libs/kyu/src/store/maintenance.sql.js';
import { HEARTBEAT } from '../../libs/kyu/src/store/worker.sql.js';
import { Statement } from '../../libs/kyu/src/store/statement.js';
import { POSTGRES_URL } from '../support/servers.js';
import { aJob, openStores, type Stores } from '../support/stores.js';
import { TERMINAL } from './job-model.js';
import {
  hasChanged,
  orders,
  partsOf,
  play,
  Session,
  type Answer,
  type Operation,
  type Script,
} from './sessions.js';

/** All orders in which sessions can begin, run and commit what they do to one job. Worker `a` has been silent for long. */

interface Move {
  old: JobStatus;
  new: JobStatus;
  old_token: number;
  new_token: number;
}
interface Final {
  status: JobStatus;
  locked_by: string | null;
  claim_token: number;
  cancel_requested_at: Date | null;
  history: { token: number; worker: string; outcome: string }[];
  moves: Move[];
}

let stores: Stores;
let control: Client;
let sessions: Session[];
let id: string;
let played = 0;

beforeAll(async () => {
  stores = await openStores();
  control = new Client({ connectionString: POSTGRES_URL });
  await control.connect();
  const { schema, queue } = stores;
  const [job] = await stores.jobs.enqueue(queue, [aJob()]);
  id = job!.id;
  await control.query(
    `SET search_path = "${schema}"; SET synchronous_commit = off;
     CREATE TABLE moves (n serial, old text, new text, old_token integer, new_token integer);
     CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO "${schema}".moves (old, new, old_token, new_token)
          VALUES (OLD.status, NEW.status, OLD.claim_token, NEW.claim_token); RETURN NULL; END $$;
     CREATE TRIGGER note AFTER UPDATE ON kyu_jobs FOR EACH ROW EXECUTE FUNCTION note()`,
  );
  sessions = await Promise.all([
    Session.open(),
    Session.open(),
    Session.open(),
  ]);
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await control.end();
  await stores.close();
});

type Start = 'waiting' | 'owned by a';

/** The job as it is before each order is played. */
const reset = (start: Start): Promise<unknown> =>
  control.query(
    `UPDATE kyu_jobs SET completed_at = NULL, crash_count = 0, cancel_requested_at = NULL, started_at = NULL, history = '[]', ran_by = NULL, ran_at = NULL,
       ${
         start === 'waiting'
           ? `status = 'pending', claim_token = 0, locked_by = NULL, locked_at = NULL`
           : `status = 'running', claim_token = 1, locked_by = 'a', locked_at = now()`
       };
     DELETE FROM kyu_workers;
     INSERT INTO kyu_workers VALUES
       ('a', '${stores.queue}', 'h', 1, 1, '{work}', now(), now() - interval '1 day'),
       ('b', '${stores.queue}', 'h', 1, 1, '{work}', now(), now());
     DELETE FROM moves`,
  );

/** As long as the orders need: here somebody else's transaction is open until its turn comes. */
const patient = (quick: Statement<never>): Statement<never> =>
  new Statement(quick.verb, (names) =>
    quick.for(names).text.replace("'50ms'", "'20s'"),
  );

/** The two forms of what works on many rows: one waits for who holds the row, the other passes over it. */
const FORMS = {
  'that wait': {
    claim: patient(CLAIM_POPPED as never),
    settle: patient(SETTLE_IF_OWNED as never),
  },
  'that pass over held rows': {
    claim: CLAIM_POPPED_UNHELD as Statement<never>,
    settle: SETTLE_UNHELD as Statement<never>,
  },
};
let form = FORMS['that wait'];

const operations = (parts: Operation['parts']) => ({
  claim: (worker: string): Operation => ({
    name: 'claim',
    statement: form.claim,
    values: [worker, stores.queue, ['work'], [id]],
    parts,
  }),
  heartbeat: (): Operation => ({
    name: 'heartbeat',
    statement: HEARTBEAT,
    values: ['a', stores.queue, 'h', 1, 1, ['work']],
    parts,
  }),
  settle: (): Operation => ({
    name: 'settle',
    statement: form.settle,
    values: [[id], [1], ['completed'], [null], [null], [null], ['1'], 'a'],
    parts,
  }),
  rescue: (): Operation => ({
    name: 'rescue',
    statement: RESCUE_STALE,
    values: [stores.queue, 60_000, 3_600_000, 3, 10],
    parts,
  }),
  cancel: (): Operation => ({
    name: 'cancel',
    statement: CANCEL_IF_UNFINISHED,
    values: [id, stores.queue],
    parts,
  }),
});

async function playAll(start: Start, scripts: readonly Script[]) {
  const counts = scripts.map((s) => partsOf(s, stores.schema, []).length);
  const ends = new Set<JobStatus>();
  for (const order of orders(counts)) {
    const answers: Answer[] = [];
    await reset(start);
    const parts = scripts.map((s) => partsOf(s, stores.schema, answers));
    await play(order, parts, sessions, control);
    const { rows } = await control.query<Final>(
      `SELECT status, locked_by, claim_token, cancel_requested_at, ${fullHistory('job')} AS history,
              (SELECT coalesce(json_agg(moves ORDER BY n), '[]') FROM moves) AS moves FROM kyu_jobs AS job`,
    );
    const problem = problemOf(rows[0]!, answers);
    if (problem)
      throw new Error(
        `${problem}: order ${order.join('')} of ${scripts.map((s) => s.map(({ name }) => name).join('+')).join(' | ')}, ${start}: ` +
          JSON.stringify({ answers, ...rows[0]! }, undefined, 1),
      );
    ends.add(rows[0]!.status);
    played++;
  }
  return ends;
}

/** Which promise is broken, if one is. */
function problemOf(job: Final, answers: readonly Answer[]): string | undefined {
  const changed = (name: string): Answer[] =>
    answers.filter((each) => each.name === name && hasChanged(each));
  const claimed = changed('claim').map(({ rows }) => rows[0]!.claim_token);
  const granted = job.moves.filter((move) => move.new_token > move.old_token);
  const ended = job.history.map(({ token }) => token);
  const settled = changed('settle');
  const cancels = changed('cancel');

  if (
    new Set(claimed).size < claimed.length ||
    granted.length !== claimed.length ||
    granted.some((move) => move.old !== 'pending' || move.new !== 'running') ||
    job.moves.some((move) => move.new_token < move.old_token)
  )
    return 'I3: a token was not made by exactly one claim';
  if (new Set(ended).size < ended.length || settled.length > 1)
    return 'I3: one run has ended twice';
  const ofTokenOne = job.history.find(({ token }) => token === 1);
  if (
    (settled.length === 1) !==
    (ofTokenOne?.outcome === 'completed' || ofTokenOne?.outcome === 'cancelled')
  )
    return 'I4: what a settle says is not what it did';
  if (job.moves.some((move) => TERMINAL.includes(move.old)))
    return 'I7: a terminal row has moved';
  if (
    job.moves.some(
      (move) =>
        move.old !== move.new && !JOB_TRANSITIONS[move.old].includes(move.new),
    ) ||
    (job.status === 'running') !== (job.locked_by !== null)
  )
    return 'I8: that is no transition';
  const ends = job.status === 'cancelled' || job.cancel_requested_at !== null;
  if (cancels.length > 0 && !ends) return 'I11: a cancel was forgotten';
  const said = answers.filter(hasChanged).length;
  if (said !== job.moves.length) return 'I8: a move that nobody told, or none';
  return undefined;
}

const NAMES = ['claim', 'heartbeat', 'settle', 'rescue', 'cancel'] as const;
const PAIRS = NAMES.flatMap((first, i) =>
  NAMES.slice(i).map((second): [string, string] => [first, second]),
);
const byName = (name: string, worker: string): Operation =>
  name === 'claim'
    ? operations('three').claim(worker)
    : operations('three')[name as 'settle']();

describe.each(Object.entries(FORMS))('claims and settles %s', (_, used) => {
  beforeAll(() => {
    form = used;
  });

  it.each(PAIRS)(
    'I3 I4 I7 I8 in every order of begin, run and commit: %s and %s',
    async (first, second) => {
      for (const start of ['waiting', 'owned by a'] as const)
        await playAll(start, [[byName(first, 'a')], [byName(second, 'b')]]);
    },
  );

  it('I3 I4 I7 I8 in every order: a claims and settles | it beats | somebody rescues, then cancels', async () => {
    const { claim, settle, rescue, cancel } = operations('two');
    const ends = await playAll('waiting', [
      [claim('a'), settle()],
      [operations('one').heartbeat()],
      [rescue(), cancel()],
    ]);
    expect([...ends]).toEqual(
      expect.arrayContaining(['completed', 'cancelled']),
    );
  }, 60_000);

  it('I3 I4 I7 I8 in every order: a claims and settles | it beats | somebody cancels, then rescues', async () => {
    const { claim, settle, rescue, cancel } = operations('two');
    const ends = await playAll('waiting', [
      [claim('a'), settle()],
      [operations('one').heartbeat()],
      [cancel(), rescue()],
    ]);
    expect([...ends]).toEqual(
      expect.arrayContaining(['completed', 'cancelled']),
    );
  }, 60_000);

  it('I3 I4 I7 I8 in every order: a beats and settles late | somebody cancels | a is rescued and b claims', async () => {
    const { settle, rescue, cancel } = operations('two');
    const ends = await playAll('owned by a', [
      [operations('one').heartbeat(), settle()],
      [cancel()],
      [rescue(), operations('one').claim('b')],
    ]);
    expect([...ends]).toEqual(
      expect.arrayContaining(['completed', 'cancelled', 'running']),
    );
  }, 60_000);
});

it('the checks are checked: they see a settle that looks at nothing', async () => {
  const { settle, rescue } = operations('two');
  const unguarded = new Statement('settle', (names) =>
    SETTLE_UNHELD.for(names)
      .text.replace(
        /WHERE job\.status \|\| '' = 'running' .+\n/,
        'WHERE $8::text IS NOT NULL\n',
      )
      // A row that nobody runs has neither; the history must not be the guard.
      .replaceAll('pg_catalog.to_json(job.locked_by)', `'"a"'`)
      .replaceAll('THEN job.locked_by END', `THEN 'a' END`)
      .replaceAll('job.locked_at', 'now()'),
  );
  await expect(
    playAll('owned by a', [
      [{ ...settle(), statement: unguarded }],
      [rescue()],
    ]),
  ).rejects.toThrow(/^I[348]/);
});

it('and thousands of orders were played, many with sessions that waited for each other', () => {
  expect(played).toBeGreaterThan(2_000);
  expect(sessions.reduce((sum, { waits }) => sum + waits, 0)).toBeGreaterThan(
    100,
  );
});
