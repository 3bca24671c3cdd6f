import { newGround } from '../support/boot-app.js';
import { compileLibrary } from '../support/compile-entry.js';
import { runNode } from '../support/run-node.js';

it('the guide’s lines for nestjs-cls restore its store around interceptors and the handler', async () => {
  const library = await compileLibrary();
  const { stdout } = await runNode([
    'test/support/cls-app.mjs',
    library,
    JSON.stringify({ ...newGround().options(), logger: undefined }),
  ]);
  expect(JSON.parse(stdout)).toEqual([
    { tenant: 'acme', interceptor: 'saw acme', active: true },
    { tenant: 'globex', interceptor: 'saw globex', active: true },
    { interceptor: 'saw undefined', active: true },
  ]);
});
