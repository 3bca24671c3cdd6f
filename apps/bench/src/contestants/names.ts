/** Everything that can take part. */
export const CONTESTANTS = [
  'kyu',
  'bullmq',
  'graphile-worker',
  'pg-boss',
  'bullmq-postgres',
  'floor',
] as const;

export type ContestantName = (typeof CONTESTANTS)[number];

/** The peers whose jobs live in PostgreSQL. */
export const POSTGRES_PEERS = [
  'graphile-worker',
  'pg-boss',
  'bullmq-postgres',
] as const satisfies readonly ContestantName[];

export const isContestant = (name: string): name is ContestantName =>
  (CONTESTANTS as readonly string[]).includes(name);
