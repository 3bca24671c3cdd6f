/** A failed claim cannot commit later than this: the server ends a statement after 20 s. */
const STRAYS_FOR_MS = 30_000;
const STRAY_LOOK_MS = 1_000;

/**
 * Knows when to look for strays: jobs of a claim that failed, and may have been committed all the same, its answer lost with the connection. The statement may
 * even commit later than a look, so there are several.
 */
export class StrayWatch {
  private until = 0;
  private nextLook = 0;

  expect(): void {
    this.until = performance.now() + STRAYS_FOR_MS;
  }

  get expected(): boolean {
    return performance.now() <= this.until;
  }

  get lookIsDue(): boolean {
    return this.expected && performance.now() >= this.nextLook;
  }

  /** The next look comes later. */
  looked(): void {
    this.nextLook = performance.now() + STRAY_LOOK_MS;
  }
}
