import { newGround } from '../support/boot-app.js';
import { compileLibrary } from '../support/compile-entry.js';
import { runNode } from '../support/run-node.js';

let library: string;
beforeAll(async () => {
  library = await compileLibrary();
});

const bootOnce = (options: object) =>
  runNode(['test/support/boot-once.mjs', library, JSON.stringify(options)]);

/** Options that can be sent to another process. */
const options = () => {
  const ground = newGround();
  const { logger: _, ...rest } = ground.options();
  return { ground, options: rest };
};

it('four processes that boot at once on an empty database all come up', async () => {
  const { ground, options: shared } = options();
  const ended = await Promise.all(
    Array.from({ length: 4 }, () => bootOnce(shared)),
  );
  for (const { stdout, stderr } of ended) {
    expect(stderr).toBe('');
    expect(stdout).toBe('closed\n');
  }
  const jobs = await ground.sql('SELECT status FROM jobs');
  expect(jobs).toEqual(
    Array.from({ length: 4 }, () => ({ status: 'completed' })),
  );
  expect(await ground.sql('SELECT FROM workers')).toEqual([]);
});

it.each([
  ['with Redis', {}],
  ['without Redis', { redis: false }],
  ['with a Redis that is not there', { redis: { url: 'redis://127.0.0.1:1' } }],
])('a process ends by itself after app.close(), %s', async (_, more) => {
  const { stdout } = await bootOnce({ ...options().options, ...more });
  expect(stdout).toMatch(/closed\n$/); // before it, maybe, the warning
});
