/**
 * Each begins with a word that the library has no use for, so that a look through its build can tell that none of them is in it.
 */
export const FAILPOINTS = [
  'chaos-after-insert-before-stage',
  'chaos-after-pop-before-claim',
  'chaos-after-claim-before-handler',
  'chaos-after-handler-before-settle',
  'chaos-mid-enqueue',
  'chaos-mid-claim',
  'chaos-mid-start',
  'chaos-mid-settle',
  'chaos-mid-release',
  'chaos-mid-promote',
  'chaos-mid-rescue',
  'chaos-mid-refill',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];
