/** Each is Kyu with one of its promises broken. What they break is in mutants.ts. */
export const MUTANT_NAMES = [
  'fence-dropped',
  'claim-unguarded',
  'claim-early',
  'two-step-reaper',
  'no-refill',
  'stage-before-commit',
  'ack-before-commit',
  'prune-unfinished',
  'token-reused',
  'no-self-fence',
  'heartbeat-on-main-thread',
  'crash-not-counted',
  'handler-skipped',
  'handler-twice',
  'cancel-ignored',
  'payload-changed',
  'refuses-what-it-stored',
  'pop-without-removing',
  'never-back-to-redis',
  'never-stops',
] as const;
export type MutantName = (typeof MUTANT_NAMES)[number];
