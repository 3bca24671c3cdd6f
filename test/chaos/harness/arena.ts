import { setTimeout as sleep } from 'node:timers/promises';
import { migrateKyu } from '@kyu/nestjs';
import type {
  AppSettings,
  FailpointSetting,
  KyuSettings,
  ProducingSettings,
} from '../app/settings.js';
import type { MutantName } from '../app/mutant-names.js';
import { installAudit } from '../checks/audit.sql.js';
import type { Random } from '../random.js';
import type { Servers } from '../servers/servers.js';
import type { Workspace } from '../servers/workspace.js';
import { FaultLog } from './fault-log.js';
import { Slot } from './slot.js';
import { Wire } from './wire.js';

export const KYU_DEFAULTS: KyuSettings = {
  workers: 20,
  heartbeatIntervalMs: 500,
  heartbeatTimeoutMs: 2_000,
  staleJobTimeoutMs: 3_000,
  drainTimeoutMs: 1_000,
  maxCrashes: 1_000,
  keepFinishedMs: false,
};

export const PRODUCING_DEFAULTS: ProducingSettings = {
  perSecond: 100,
  batchShare: 0.2,
  maxBatch: 20,
  mix: { fast: 1 },
  workMs: [50, 500],
  priorities: [-2, 2],
  laterMs: [200, 2_000],
  timeoutMs: 5_000,
  limit: 0,
};

const BOOT_PATIENCE_MS = 30_000;

export interface ArenaOptions {
  name: string;
  random: Random;
  kyu?: Partial<KyuSettings>;
  mutants?: readonly MutantName[];
  pruneEveryMs?: number;
  /** Drawn anew for each incarnation of a process. */
  failpoints?: (random: Random) => FailpointSetting[];
}

/** One scenario's part of the servers (a schema, a key in Redis), its processes and its evidence. */
export class Arena {
  readonly faults = new FaultLog();
  readonly slots: Slot[] = [];
  readonly kyu: KyuSettings;
  readonly schema: string;
  readonly queueName: string;
  readonly random: Random;

  private constructor(
    readonly servers: Servers,
    private readonly workspace: Workspace,
    readonly ledgerFolder: string,
    private readonly appUrl: string,
    private readonly options: ArenaOptions,
  ) {
    this.kyu = { ...KYU_DEFAULTS, ...options.kyu };
    this.random = options.random;
    this.schema = schemaOf(options.name);
    this.queueName = `kyu:${this.schema}`;
  }

  static async open(
    servers: Servers,
    workspace: Workspace,
    options: ArenaOptions,
  ): Promise<Arena> {
    const folder = await workspace.makeFolder(`ledger-${options.name}`);
    const url = await servers.makeRole(schemaOf(options.name));
    const arena = new Arena(servers, workspace, folder, url, options);
    await migrateKyu({ url: servers.postgres.url, schema: arena.schema });
    for (const statement of installAudit(arena.schema, arena.role))
      await servers.database.sql(statement);
    return arena;
  }

  /** Rows of this scenario's schema; `chaos_audit`, `kyu_jobs` and so on are written `@.name`. */
  sql<Row = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]> {
    return this.servers.database.sql<Row>(
      text.replaceAll('@.', `"${this.schema}".`),
      values,
    );
  }

  /** Whom the application connects as. */
  get role(): string {
    return this.schema;
  }

  get workers(): Slot[] {
    return this.slots.filter(({ role }) => role === 'worker');
  }

  get producers(): Slot[] {
    return this.slots.filter(({ role }) => role !== 'worker');
  }

  async addWorkers(count: number): Promise<Slot[]> {
    return this.add('worker', count, PRODUCING_DEFAULTS);
  }

  async addProducers(
    count: number,
    producing: Partial<ProducingSettings>,
    role: 'producer' | 'canceller' | 'both' = 'producer',
  ): Promise<Slot[]> {
    return this.add(role, count, { ...PRODUCING_DEFAULTS, ...producing });
  }

  /** Until each of the slots has a process that has booted. */
  async ready(slots: readonly Slot[] = this.slots): Promise<void> {
    await until(
      () => slots.every((slot) => slot.ready),
      BOOT_PATIENCE_MS,
      () =>
        `${this.options.name}: not all processes have booted. ${slots
          .filter((slot) => !slot.ready)
          .map((slot) => `${slot.name} says:\n${slot.lastWords}`)
          .join('\n')}`,
    );
  }

  /** Until producers with a limit have reached it. */
  async produced(slots: readonly Slot[] = this.producers): Promise<void> {
    await until(
      () => slots.every(({ child }) => child?.produced !== undefined),
      BOOT_PATIENCE_MS,
      () => `${this.options.name}: the producers did not come to their end`,
    );
  }

  /** Ends what is left of the faults. */
  mend(): void {
    for (const slot of this.slots) {
      slot.wires.postgres.set('open');
      slot.wires.redis.set('open');
      slot.wake();
      slot.disarm();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.destroy()));
  }

  private async add(
    role: AppSettings['role'],
    count: number,
    producing: ProducingSettings,
  ): Promise<Slot[]> {
    const added: Slot[] = [];
    for (let n = 0; n < count; n++) {
      const name = `${this.options.name}-${role}${this.slots.length + 1}`;
      const wires = {
        postgres: await Wire.open(this.appUrl),
        redis: await Wire.open(this.servers.redis.url),
      };
      const random = this.random.fork(name);
      const slot = new Slot(
        name,
        role,
        wires,
        (incarnation) => this.settings(role, incarnation, wires, producing),
        this.workspace.path(`${name}.log`),
        this.faults,
        () => random.next(),
      );
      this.slots.push(slot);
      added.push(slot);
      slot.start();
    }
    return added;
  }

  private settings(
    role: AppSettings['role'],
    name: string,
    wires: { postgres: Wire; redis: Wire },
    producing: ProducingSettings,
  ): AppSettings {
    const { failpoints, mutants = [], pruneEveryMs = 0 } = this.options;
    const random = this.random.fork(name);
    return {
      role,
      name,
      seed: random.seedFor('process'),
      postgresUrl: wires.postgres.url,
      redisUrl: wires.redis.url,
      schema: this.schema,
      queueName: this.queueName,
      ledgerFile: `${this.ledgerFolder}/${name}.jsonl`,
      kyu: this.kyu,
      failpoints: failpoints?.(random.fork('failpoints')) ?? [],
      mutants: [...mutants],
      producing,
      pruneEveryMs,
    };
  }
}

const schemaOf = (name: string): string =>
  `chaos_${name.replaceAll(/[^a-z0-9]+/g, '_')}`.slice(0, 40);

export async function until(
  condition: () => boolean | Promise<boolean>,
  patienceMs: number,
  complaint: () => string,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(complaint());
    await sleep(50);
  }
}

/** Ids of jobs in whatever state. */
export async function anyIds(arena: Arena, limit = 200): Promise<string[]> {
  const rows = await arena.sql<{ id: string }>(
    'SELECT id FROM @.kyu_jobs ORDER BY random() LIMIT $1',
    [limit],
  );
  return rows.map(({ id }) => id);
}
