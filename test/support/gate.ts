/** Holds whoever waits at it until it is opened: for handlers that must still run when something else happens. */
export class Gate {
  private release: () => void = () => undefined;
  /** How many have come. */
  arrivals = 0;
  private readonly opened = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  wait(): Promise<void> {
    this.arrivals++;
    return this.opened;
  }

  open(): void {
    this.release();
  }
}
