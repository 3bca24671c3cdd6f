import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../../../../test/chaos/app/ledger.js';
import type { Random } from '../../../../../test/chaos/random.js';
import { loadPeer, type Peer, type Stored } from '../app/peer.js';
import type { Setup } from '../app/settings.js';
import {
  ackedKeys,
  finishedKeys,
  runsOf,
  type Fault,
} from '../checks/evidence.js';
import { judge, type Verdict } from '../checks/judge.js';
import type { Contestant } from '../contestants.js';
import {
  CONCURRENCY,
  DOWN_MS,
  FAULTS,
  PATIENCE_MS,
  VICTIMS,
  type FaultName,
} from '../faults.js';
import { Fleet } from './fleet.js';
import { LedgerReader } from './ledger-reader.js';
import { Stores } from './stores.js';

const POLL_MS = 100;
/** Between two looks into the store: what was finished is settled meanwhile. */
const STORED_POLL_MS = 2_000;
/** For a fault that waits until it has something to hit. */
const HIT_PATIENCE_MS = 30_000;
const STOP_MS = 30_000;

export interface CaseResult extends Verdict {
  contestant: string;
  fault: FaultName;
  jobs: number;
  /** From the last fault, or the last job, until nothing was left to do; undefined: that did not come within the patience. */
  settledMs: number | undefined;
  /** Processes that were up and ended without being killed. A supervisor started them anew. */
  surprises: number;
  versions: Record<string, string>;
}

/** Plays one fault against one contestant, on servers of its own. */
export async function playCase(
  contestant: Contestant,
  fault: FaultName,
  folder: string,
  random: Random,
): Promise<CaseResult> {
  await mkdir(folder, { recursive: true });
  const stores = await Stores.start(contestant, folder);
  let fleet: Fleet | undefined;
  try {
    const peer = await loadPeer(contestant.peer);
    const setup: Setup = {
      urls: stores.urls,
      concurrency: CONCURRENCY,
      tuned: contestant.tuned,
    };
    await peer.prepare(setup);
    const plan = FAULTS[fault];
    fleet = new Fleet(folder, contestant, setup, plan, random);
    await fleet.ready();
    const game = new Game(peer, setup, stores, fleet, random);
    await game.play(fault);
    const settledMs = await game.rest();
    const stored = await peer.stored(setup);
    await fleet.stop(STOP_MS);
    return {
      contestant: contestant.name,
      fault,
      jobs: plan.producing.jobs,
      settledMs,
      surprises: fleet.surprises,
      versions: await stores.versions(),
      ...game.judge(stored, plan.producing.jobs),
    };
  } finally {
    await fleet?.stop(0);
    await stores.stop();
  }
}

class Game {
  private readonly faults: Fault[] = [];
  private readonly reader: LedgerReader;
  private lastAt = 0;

  constructor(
    private readonly peer: Peer,
    private readonly setup: Setup,
    private readonly stores: Stores,
    private readonly fleet: Fleet,
    private readonly random: Random,
  ) {
    this.reader = new LedgerReader(fleet.ledgerFolder);
  }

  async play(name: FaultName): Promise<void> {
    this.fleet.produce();
    await this.until(() =>
      this.reader.lines.some(({ kind }) => kind === 'try'),
    );
    const begunAt = performance.now();
    for (const at of FAULTS[name].at) {
      await sleep(Math.max(0, begunAt + at - performance.now()));
      if (name === 'kill') await this.kill();
      if (name === 'flush') await this.flush();
      if (name === 'crash') await this.crash();
    }
    await this.until(() => this.fleet.producer!.done, PATIENCE_MS);
    this.lastAt = performance.now();
  }

  /** Until nothing is left to do: each acked job has come to its end, and the store agrees. */
  async rest(): Promise<number | undefined> {
    for (;;) {
      const passed = performance.now() - this.lastAt;
      if (passed > PATIENCE_MS) return undefined;
      const runs = this.runs();
      const finished = finishedKeys(runs);
      const idle =
        runs.every(({ how }) => how !== 'open') &&
        [...ackedKeys(this.reader.lines)].every((key) => finished.has(key));
      if (idle && (await this.peer.stored(this.setup)).held.length === 0)
        return passed;
      await sleep(idle ? STORED_POLL_MS : POLL_MS);
    }
  }

  judge({ held, buried }: Stored, jobs: number): Verdict {
    const lines = this.reader.catchUp();
    const verdict = judge(
      {
        lines,
        faults: this.faults,
        deaths: this.fleet.deaths,
        held: new Set(held),
        buried: new Set(buried),
      },
      jobs,
    );
    const torn = this.reader.torn.map((name) => `half a line in ${name}`);
    return { ...verdict, gaps: [...verdict.gaps, ...torn] };
  }

  /** A worker that is in the middle of jobs: the ledger says so at this moment. */
  private async kill(): Promise<void> {
    const inTheMiddle = () => {
      const busy = new Set(
        this.runs()
          .filter(({ how }) => how === 'open')
          .map(({ process }) => process),
      );
      return this.fleet.workers
        .slice(0, VICTIMS)
        .filter(({ ready, process }) => ready && busy.has(process!));
    };
    await this.until(() => inTheMiddle().length > 0);
    const victim = this.random.pick(inTheMiddle());
    this.faults.push({ kind: 'SIGKILL', ...victim.kill() });
  }

  private async flush(): Promise<void> {
    this.faults.push({ kind: 'FLUSHALL', mono: monotonicMs() });
    await this.stores.flushRedis();
  }

  private async crash(): Promise<void> {
    await this.until(() => this.runs().some(({ how }) => how === 'open'));
    this.faults.push({ kind: 'store crash', mono: monotonicMs() });
    await this.stores.crash();
    await sleep(DOWN_MS);
    await this.stores.restart();
  }

  private runs() {
    return runsOf({
      lines: this.reader.catchUp(),
      deaths: this.fleet.deaths,
    });
  }

  /** A fault that finds nothing to hit is played all the same, and the verdict shows it. */
  private async until(
    condition: () => boolean,
    patienceMs = HIT_PATIENCE_MS,
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      this.reader.catchUp();
      if (condition()) return;
      await sleep(POLL_MS / 4);
    }
  }
}
