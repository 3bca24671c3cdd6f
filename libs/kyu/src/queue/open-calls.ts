import { Injectable } from '@nestjs/common';
import { QueueClosedError } from '../errors/kyu.errors.js';

/** A caller's own client may hang for ever, and the application must close all the same. Kyu's own statements give up earlier. */
const PATIENCE_MS = 30_000;

/** Is responsible for the calls of the queue that are under way when the application closes: they end first, and what comes later is refused. */
@Injectable()
export class OpenCalls {
  private count = 0;
  private closed = false;
  /** When to wait no longer, by `performance.now()`: it is waited for more than once. */
  private giveUpAt: number | undefined;
  private readonly waiting = new Set<() => void>();

  /** Each call of this has one of {@link leave}. @throws {QueueClosedError} */
  enter(): void {
    if (this.closed) throw new QueueClosedError();
    this.count++;
  }

  leave(): void {
    if (--this.count > 0) return;
    for (const stopWaiting of this.waiting) stopWaiting();
  }

  /** One whole call, of those that are on no hot path. @throws {QueueClosedError} */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  /** Resolves when no call is under way, and at most 30 s after it was first asked. */
  async ended(): Promise<void> {
    if (this.count === 0) return;
    this.giveUpAt ??= performance.now() + PATIENCE_MS;
    const leftMs = Math.max(0, this.giveUpAt - performance.now());
    await new Promise<void>((resolve) => {
      const stopWaiting = (): void => {
        clearTimeout(timer);
        this.waiting.delete(stopWaiting);
        resolve();
      };
      const timer = setTimeout(stopWaiting, leftMs);
      this.waiting.add(stopWaiting);
    });
  }

  /** No call begins from now on. Resolves when those under way have ended. */
  close(): Promise<void> {
    this.closed = true;
    return this.ended();
  }
}
