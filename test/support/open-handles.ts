import { until } from '@kyu/testing';

/** Jest's reporter has a timer of 100 ms each second when it runs in this process. */
const JESTS_OWN_MS = 120;

function count(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** What keeps this process alive, counted by kind: the least of several looks, so that what comes and goes is not in it. */
export async function openHandles(): Promise<Map<string, number>> {
  const least = count();
  const end = performance.now() + JESTS_OWN_MS;
  await until('the last look', () => {
    const now = count();
    for (const [kind, number] of least)
      least.set(kind, Math.min(number, now.get(kind) ?? 0));
    return performance.now() > end;
  });
  return least;
}

/**
 * Waits until nothing is open that was not open before. A socket that was closed is gone only when the other side has answered, so
 * it looks more than once, but not for long: a process would have to wait as well.
 *
 * @throws with the kinds that are still open.
 */
export async function expectNoMoreThan(
  before: Map<string, number>,
  withinMs = 300,
): Promise<void> {
  let more: string[] = [];
  const isClean = (): boolean => {
    more = [...count()].flatMap(([kind, number]) => {
      const extra = number - (before.get(kind) ?? 0);
      return extra > 0 ? [`${extra} × ${kind}`] : [];
    });
    // until() itself waits by a timer between its looks, never during one.
    return more.length === 0;
  };
  await until('no open handle', isClean, withinMs).catch(() => {
    throw new Error(`Still open: ${more.join(', ')}.`);
  });
}
