import { answerWithin } from './answer-within.js';
import type { KyuRedis } from './redis-connection.js';

/** A server that has taken a connection, and is not ready after this, is sought again. */
const READY_WITHIN_MS = 1_000;

/**
 * A server that takes connections has to speak as well.
 *
 * @param onSilence the server has taken a connection, and has not spoken in time.
 */
export function expectReady(
  redis: KyuRedis,
  onSilence: (error: Error) => void,
): void {
  let readyOrClosed: () => void = () => undefined;
  redis.on('connect', () => {
    const ready = new Promise<void>((resolve) => {
      readyOrClosed = resolve;
    });
    answerWithin(READY_WITHIN_MS, ready, 'not ready').catch(onSilence);
  });
  redis.on('ready', () => readyOrClosed());
  redis.on('close', () => readyOrClosed());
}
