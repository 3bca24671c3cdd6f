import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
} from './contestant.js';
import type { ContestantName } from './names.js';

/** Loaded by name, so that a process holds one of them only, and this package type-checks without the peers. */
const MODULES: Record<ContestantName, string> = {
  kyu: './kyu.js',
  floor: './floor.js',
  bullmq: '../peers/bullmq.js',
  'bullmq-postgres': '../peers/bullmq-postgres.js',
  'graphile-worker': '../peers/graphile-worker.js',
  'pg-boss': '../peers/pg-boss.js',
};

export async function loadContestant(
  name: ContestantName,
  settings: ContestantSettings,
): Promise<Contestant> {
  const { create } = (await import(MODULES[name])) as {
    create: CreateContestant;
  };
  return create(settings);
}
