import type { ContestantSettings, Tuning } from '../contestants/contestant.js';
import type { ContestantName } from '../contestants/names.js';
import type { ContestantTasks } from '../contestants/process.js';
import type { Ground, Template } from './ground.js';
import { Program } from './program.js';

const ENTRY = new URL('../contestants/process.js', import.meta.url);

export type ContestantProgram = Program<ContestantTasks>;

export interface ArenaOptions {
  tuning?: Tuning;
  template?: Template;
}

/** One contestant with a database of its own, for one round. */
export class Arena {
  private readonly programs = new Set<ContestantProgram>();
  /** Jobs that its producers have had acknowledged. */
  private acknowledged = 0;

  private constructor(
    readonly ground: Ground,
    readonly name: ContestantName,
    readonly settings: ContestantSettings,
  ) {}

  /** The tables are there; with a template, so is what it holds. */
  static async make(
    ground: Ground,
    name: ContestantName,
    { tuning = 'throughput', template }: ArenaOptions = {},
  ): Promise<Arena> {
    const postgresUrl = await ground.makeDatabase(template?.url);
    const { redisUrl } = ground;
    const arena = new Arena(ground, name, { postgresUrl, redisUrl, tuning });
    if (template) arena.acknowledge(template.unfinished);
    else await arena.during('setUp', (program) => program.ask('setUp'));
    return arena;
  }

  /** A fresh process of the contestant. */
  async start(role: string): Promise<ContestantProgram> {
    const { name, settings } = this;
    const program: ContestantProgram = await Program.start(
      `${name}, ${role}`,
      ENTRY,
    );
    this.programs.add(program);
    await program.ask('open', { name, settings });
    return program;
  }

  async startProducer(): Promise<ContestantProgram> {
    const producer = await this.start('producer');
    await producer.ask('openQueue', this.acknowledged);
    return producer;
  }

  /** A producer that is a worker, too. */
  async startBoth(slots: number, capacity: number): Promise<ContestantProgram> {
    const both = await this.start('producer and worker');
    await both.ask('both', { first: this.acknowledged, slots, capacity });
    return both;
  }

  /** Its jobs, enqueued by a process of its own. */
  async fill(count: number, options?: { priority: 'ordinary' }): Promise<void> {
    await this.during('filling', async (program) => {
      await program.ask('openQueue', this.acknowledged);
      await program.ask('fill', { count, options });
    });
    this.acknowledge(count);
    await this.ground.vacuum(this.settings.postgresUrl);
  }

  acknowledge(count: number): void {
    this.acknowledged += count;
  }

  /** Ends the programs and holds what they did against what is stored. @throws when jobs were lost, invented or run twice. */
  async verify(...workers: ContestantProgram[]): Promise<void> {
    let handled = 0;
    for (const worker of workers) {
      const end = await this.end(worker);
      handled += end.handled;
      if (end.duplicates > 0)
        throw new Error(`${this.name} ran ${end.duplicates} jobs twice.`);
    }
    await this.during('counting', async (program) => {
      const unfinished = await program.ask('unfinished');
      if (handled + unfinished !== this.acknowledged)
        throw new Error(
          `${this.name} acknowledged ${this.acknowledged} jobs and ran ${handled}, but ${unfinished} are stored as unfinished.`,
        );
    });
  }

  async end(
    program: ContestantProgram,
  ): Promise<{ handled: number; duplicates: number }> {
    const end = await program.ask('close');
    this.programs.delete(program);
    await program.stop('SIGKILL');
    return end;
  }

  async leave(): Promise<void> {
    await Promise.all([...this.programs].map((program) => program.kill()));
    await this.ground.dropDatabase(this.settings.postgresUrl);
  }

  private async during(
    role: string,
    work: (program: ContestantProgram) => Promise<unknown>,
  ): Promise<void> {
    const program = await this.start(role);
    await work(program);
    await this.end(program);
  }
}
