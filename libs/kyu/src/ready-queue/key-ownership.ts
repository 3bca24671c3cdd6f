import type { LoggerService } from '@nestjs/common';
import { OWNER_LINES } from './owner-lines.js';
import { OwnerMark, type MarkAction } from './owner-mark.js';
import { FOREIGN_KEY } from './ready-queue.lua.js';
import { isLackOfRights } from './redis-errors.js';
import type { RedisKeys } from './redis-keys.js';

/** What stands before the own arguments of a script. */
export type ScriptHead = [
  ready: string,
  clipped: string,
  owner: string,
  mark: string,
  lifeMs: number,
];

const foreignMarkIn = ({ message }: Error): string | undefined =>
  message.startsWith(`${FOREIGN_KEY} `)
    ? message.slice(FOREIGN_KEY.length + 1)
    : undefined;

/**
 * Is responsible for what this process may do with its key in Redis, and for saying when that
 * changes.
 */
export class KeyOwnership {
  private readonly mark: OwnerMark;

  /** @param onChange the key belongs to others from now on, or to this process again. */
  constructor(
    private readonly keys: RedisKeys,
    private readonly where: string,
    private readonly logger: LoggerService,
    readMark: () => Promise<string | undefined>,
    onChange: (foreign: boolean) => void,
  ) {
    this.mark = new OwnerMark(readMark, (foreign) => {
      this.say(foreign);
      onChange(foreign !== undefined);
    });
  }

  get head(): ScriptHead {
    const { ready, clipped, owner } = this.keys;
    const { text, lifeMs } = this.mark;
    // A key that may not be used must not be named either.
    return [ready, clipped, text === '' ? clipped : owner, text, lifeMs];
  }

  /** The key belongs to other tables. */
  get isForeign(): boolean {
    return this.mark.isForeign;
  }

  /** There is a mark, and Redis lets it be. */
  get isMarked(): boolean {
    return this.mark.text !== '';
  }

  get action(): MarkAction {
    return this.mark.action;
  }

  learn(): Promise<void> {
    return this.mark.learn();
  }

  /** The mark that the key should have. */
  get currentMark(): string {
    return this.mark.current;
  }

  found(mark: string): Promise<void> {
    return this.mark.found(mark);
  }

  /** Whether the error says no more than whose key it is. */
  isToldBy(error: Error): boolean {
    return foreignMarkIn(error) !== undefined;
  }

  /** Whether a script was refused for a mark that is the own one after all: it has changed. */
  async isOwnAfterAll(error: Error): Promise<boolean> {
    const mark = foreignMarkIn(error);
    if (mark === undefined) return false;
    await this.mark.found(mark);
    return !this.isForeign;
  }

  /**
   * Runs the first command of a connection: with the mark, and without the mark if the user has no
   * right to it. The user may have rights for the other keys only.
   */
  async begin(command: () => Promise<unknown>): Promise<void> {
    this.mark.allow(true);
    try {
      await command();
    } catch (refusal) {
      const error = refusal as Error;
      const mayBeTheMark =
        this.isMarked && isLackOfRights(error) && !this.isToldBy(error);
      if (!mayBeTheMark) throw error;
      this.mark.allow(false);
      await command();
      this.logger.warn(
        OWNER_LINES.unmarked(this.keys.owner, this.where, error),
      );
    }
  }

  private say(foreign: string | undefined): void {
    const { ready } = this.keys;
    if (foreign === undefined)
      this.logger.log(OWNER_LINES.own(ready, this.where));
    else this.logger.warn(OWNER_LINES.foreign(ready, this.where, foreign));
  }
}
