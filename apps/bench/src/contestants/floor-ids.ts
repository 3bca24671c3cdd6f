import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8 * 1024);
let used = pool.length;
let last = 0;
let count = 0;

/** A UUIDv7, in order within this process: as Kyu's, so that the floor's index is filled in the same order. */
export function v7(): string {
  const now = Date.now();
  count = now > last ? 0 : count + 1;
  last = Math.max(last, now) + (count > 0xfff ? 1 : 0);
  count &= 0xfff;
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const time = last.toString(16).padStart(12, '0');
  const order = count.toString(16).padStart(3, '0');
  const random = pool.toString('hex', used, (used += 8));
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-8${random.slice(1, 4)}-${random.slice(4)}`;
}
