import type { KyuEvent, KyuEventMap, KyuEvents } from '@kyu/nestjs';

/** How a wait ends when nothing comes: long enough for a busy machine, short enough that a wrong test says so. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Resolves with the next event that matches, so that a test waits for what happened and not for a time.
 *
 * Subscribe before the cause: `const settled = nextEvent(events, 'job.settled'); await queue.enqueue(…); await settled`.
 *
 * @param match only an event for which it returns true counts. @default any
 * @param timeoutMs milliseconds. @default 10000
 * @throws when no such event came in time; the message lists those that did come.
 * @publicApi
 */
export function nextEvent<E extends KyuEvent>(
  events: KyuEvents,
  event: E,
  match: (data: KyuEventMap[E]) => boolean = () => true,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<KyuEventMap[E]> {
  return new Promise((resolve, reject) => {
    const others: string[] = [];
    const timer = setTimeout(() => {
      stop();
      reject(
        new Error(
          `No matching "${event}" within ${timeoutMs} ms; ${others.length > 0 ? `these came: ${others.join(', ')}` : 'none came at all'}.`,
        ),
      );
    }, timeoutMs);
    const stop = events.on(event, (data) => {
      if (!match(data)) {
        if (others.length < 20) others.push(JSON.stringify(data));
        return;
      }
      clearTimeout(timer);
      stop();
      resolve(data);
    });
  });
}
