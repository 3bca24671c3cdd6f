import { setTimeout as sleep } from 'node:timers/promises';
import { Announcer } from '../../../libs/kyu/src/queue/announcer.js';
import { RedisReadyQueue } from '../../../libs/kyu/src/ready-queue/redis.ready-queue.js';
import { Database } from '../../../libs/kyu/src/store/database.js';
import { JobStore } from '../../../libs/kyu/src/store/job-store.js';
import type { Statement } from '../../../libs/kyu/src/store/statement.js';
import { JobExecutor } from '../../../libs/kyu/src/worker/job-executor.js';
import { Random } from '../random.js';
import { FAILPOINTS, type Failpoint } from './failpoint-names.js';
import type { Ledger } from './ledger.js';
import type { AppSettings, FailpointSetting } from './settings.js';
import { tell } from './tell.js';
import { wrap } from './wrap.js';

/** A statement is on its way within a millisecond and answered within a few: some of the processes die before it arrives, some after its commit. */
const SENT_MS = 3;

/** The statements during which a process may die. */
const MID_STATEMENT: Readonly<Record<string, Failpoint>> = {
  enqueue: 'chaos-mid-enqueue',
  enqueue_claimed: 'chaos-mid-enqueue',
  claim_popped: 'chaos-mid-claim',
  claim_waiting: 'chaos-mid-claim',
  settle: 'chaos-mid-settle',
  hold_run: 'chaos-mid-settle',
  mark_started: 'chaos-mid-start',
  begin_run: 'chaos-mid-start',
  release: 'chaos-mid-release',
  release_strays: 'chaos-mid-release',
  promote: 'chaos-mid-promote',
  rescue: 'chaos-mid-rescue',
};

/**
 * Places where a process stops or kills itself. There are none in the library: its methods are wrapped here, at the seams between the verbs, in the
 * processes of the suite.
 */
export function setFailpoints(settings: AppSettings, ledger: Ledger): void {
  if (settings.failpoints.length === 0) return;
  const random = new Random(settings.seed).fork('failpoints');
  const set = new Map(
    settings.failpoints.map((each) => [checked(each.name), each]),
  );
  process.on('message', () => set.clear()); // the harness has one message: disarm
  const drawn = (name: Failpoint): FailpointSetting | undefined => {
    const point = set.get(name);
    return point && random.chance(point.probability) ? point : undefined;
  };
  const fall = ({ name, signal }: FailpointSetting): void => {
    ledger.write({ kind: 'die', detail: `${signal} ${name}` });
    if (signal === 'SIGSTOP') tell({ stopping: name });
    process.kill(process.pid, signal);
  };
  const pass = (name: Failpoint): void => {
    const point = drawn(name);
    if (point) fall(point);
  };
  const passDuring = (name: Failpoint): void => {
    const point = drawn(name);
    if (point) void sleep(random.between(0, SENT_MS)).then(() => fall(point));
  };

  wrap(
    Announcer.prototype,
    'acknowledge',
    (original: (stored: unknown) => void, stored: unknown) => {
      pass('chaos-after-insert-before-stage');
      original(stored);
    },
  );
  const before = (prototype: object, method: string, name: Failpoint): void =>
    wrap(
      prototype,
      method,
      (original: (...args: unknown[]) => unknown, ...args: unknown[]) => {
        pass(name);
        return original(...args);
      },
    );
  before(JobStore.prototype, 'claimPopped', 'chaos-after-pop-before-claim');
  before(JobExecutor.prototype, 'execute', 'chaos-after-claim-before-handler');
  before(
    JobStore.prototype,
    'settleIfOwned',
    'chaos-after-handler-before-settle',
  );
  wrap(
    RedisReadyQueue.prototype,
    'refill',
    (original: (...args: unknown[]) => unknown, ...args: unknown[]) => {
      passDuring('chaos-mid-refill');
      return original(...args);
    },
  );
  wrap(
    Database.prototype,
    'run',
    (
      original: (...args: unknown[]) => unknown,
      statement: unknown,
      ...args: unknown[]
    ) => {
      const name = MID_STATEMENT[(statement as Statement<unknown>).verb];
      if (name) passDuring(name);
      return original(statement, ...args);
    },
  );
}

function checked(name: string): Failpoint {
  const known = FAILPOINTS.find((each) => each === name);
  if (!known) throw new Error(`There is no failpoint "${name}".`);
  return known;
}
