import type { ContestantName } from '../contestants/names.js';
import { Arena, type ArenaOptions } from '../harness/arena.js';
import type { Ground } from '../harness/ground.js';

/** With a fresh arena, which is gone afterwards. */
export async function inArena<T>(
  ground: Ground,
  contestant: ContestantName,
  options: ArenaOptions,
  work: (arena: Arena) => Promise<T>,
): Promise<T> {
  const arena = await Arena.make(ground, contestant, options);
  try {
    return await work(arena);
  } finally {
    await arena.leave();
  }
}
