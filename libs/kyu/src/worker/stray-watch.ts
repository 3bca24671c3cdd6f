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

  /** Whether it is time; the next one comes later. */
  takeLook(): boolean {
    const now = performance.now();
    if (!this.expected || now < this.nextLook) return false;
    this.nextLook = now + STRAY_LOOK_MS;
    return true;
  }
}
