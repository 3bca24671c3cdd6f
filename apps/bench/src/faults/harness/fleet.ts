import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../../../test/chaos/random.js';
import type { AppSettings, Setup } from '../app/settings.js';
import type { Contestant } from '../contestants.js';
import { WORKERS, type FaultPlan } from '../faults.js';
import { Supervised } from './supervised.js';

const POLL_MS = 50;
/** Of a dozen processes that boot at once on two cores that others use, too. */
const BOOT_MS = 90_000;

/** The worker processes and the producer of one case. */
export class Fleet {
  readonly ledgerFolder: string;
  readonly workers: readonly Supervised[];
  producer: Supervised | undefined;

  constructor(
    private readonly folder: string,
    private readonly contestant: Contestant,
    private readonly setup: Setup,
    private readonly plan: FaultPlan,
    private readonly random: Random,
  ) {
    this.ledgerFolder = path.join(folder, 'ledgers');
    mkdirSync(this.ledgerFolder);
    this.workers = Array.from({ length: WORKERS }, (_, n) =>
      this.start('worker', `worker-${n + 1}`),
    );
  }

  /** Every worker is up. */
  async ready(): Promise<void> {
    const deadline = performance.now() + BOOT_MS;
    while (!this.workers.every((worker) => worker.ready)) {
      const missing = this.workers.find((worker) => !worker.ready)!;
      if (performance.now() > deadline)
        throw new Error(
          `${this.contestant.title}: ${missing.name} is not up after ${BOOT_MS / 1000} s. Its last words:\n${missing.lastWords}`,
        );
      await sleep(POLL_MS);
    }
  }

  produce(): void {
    this.producer = this.start('producer', 'producer');
  }

  get deaths(): Map<string, number> {
    return new Map(this.all.flatMap(({ deaths }) => [...deaths]));
  }

  get surprises(): number {
    return this.all.reduce((sum, { surprises }) => sum + surprises, 0);
  }

  async stop(patienceMs: number): Promise<void> {
    await Promise.all(this.all.map((each) => each.stop(patienceMs)));
  }

  private get all(): Supervised[] {
    return this.producer ? [...this.workers, this.producer] : [...this.workers];
  }

  private start(role: AppSettings['role'], name: string): Supervised {
    const { folder, contestant, setup, plan, random } = this;
    return new Supervised(
      name,
      (process) => ({
        role,
        process,
        ledgerFile: path.join(this.ledgerFolder, process),
        peer: contestant.peer,
        setup,
        seed: random.seedFor('producer'),
        producing: plan.producing,
      }),
      path.join(folder, `${name}.log`),
    );
  }
}
