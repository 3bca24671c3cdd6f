/** How long a failed job waits before its next try. */
export interface BackoffPolicy {
  /** The first wait, in milliseconds. */
  baseMs: number;
  /** No wait is longer, in milliseconds. */
  capMs: number;
  /** Spread each wait evenly over 0…wait, so that what failed together does not come back together. */
  jitter: boolean;
}

/** 2^31 ms are 24 days: past this exponent every wait is the cap, and the power can no longer overflow. */
const MAX_EXPONENT = 31;

/**
 * Milliseconds before retry number `retry` (1 for the first): base, 2 × base, 4 × base …, at most the cap. With jitter
 * a uniform draw below that ("full jitter": M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
 */
export function backoffMs(
  retry: number,
  policy: BackoffPolicy,
  random: () => number = Math.random,
): number {
  const exponent = Math.min(Math.max(retry - 1, 0), MAX_EXPONENT);
  const wait = Math.min(policy.baseMs * 2 ** exponent, policy.capMs);
  return Math.round(policy.jitter ? wait * random() : wait);
}
