import { run } from '../packages/run.js';
import { buildExample, builtEntry, ROOT } from './build-example.js';

beforeAll(buildExample, 120_000);

it('has a suite without servers, which ends by itself', async () => {
  const output = await run('node', [builtEntry('test/shop.test')], {
    cwd: ROOT,
    env: { KYU_POSTGRES_URL: '', KYU_REDIS_URL: '' },
    timeoutMs: 25_000,
  });
  expect(output).toMatch(/^(#|ℹ) pass 4$/m);
});
