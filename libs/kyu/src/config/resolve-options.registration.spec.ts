import type { KyuOptions } from './kyu.options.js';
import { newRegistration } from './registration.js';
import { resolveOptions } from './resolve-options.js';

const resolve = (
  name: string | undefined,
  options: KyuOptions = {},
  env: NodeJS.ProcessEnv = {},
) => resolveOptions(options, env, newRegistration(name));

describe('resolveOptions of a named registration', () => {
  it('has defaults with its name', () => {
    expect(resolve('billing')).toMatchObject({
      name: 'billing',
      queueName: 'kyu:billing',
      metricsPath: 'metrics/billing',
      metricsPort: 9090,
      mode: 'both',
    });
  });

  it('keeps what is given', () => {
    expect(resolve('billing', { queueName: 'money' }).queueName).toBe('money');
    const { metricsPath } = resolveOptions(
      {},
      {},
      newRegistration('billing', 'ops/billing'),
    );
    expect(metricsPath).toBe('ops/billing');
  });

  it('takes the variables of the environment as the default one does', () => {
    const env = {
      KYU_POSTGRES_URL: 'postgres://env/db',
      KYU_REDIS_URL: 'redis://env',
      KYU_MODE: 'producer',
    };
    expect(resolve('billing', {}, env)).toMatchObject({
      postgres: { url: 'postgres://env/db' },
      redis: { url: 'redis://env' },
      mode: 'producer',
    });
  });

  it('has a variable of its own for the mode, behind the option and before KYU_MODE', () => {
    const env = { KYU_MODE: 'both', KYU_MODE_BIG_BILLS: 'worker' };
    expect(resolve('big-bills', {}, env).mode).toBe('worker');
    expect(resolve('big-bills', { mode: 'producer' }, env).mode).toBe(
      'producer',
    );
    expect(resolve(undefined, {}, env).mode).toBe('both');
    expect(() => resolve('a', {}, { KYU_MODE_A: 'wroker' })).toThrow(
      /the environment variable KYU_MODE_A to be one of 'both'/,
    );
  });

  it.each([
    ['', /a name such as 'billing'.*got: ""/],
    ['my billing', /a name such as 'billing'/],
    ['9to5', /a name such as 'billing'/],
    ['a/../b', /a name such as 'billing'/],
    ['x'.repeat(61), /at most 60/],
    ['default', /leave the name out/],
    [3 as never, /a name such as 'billing'.*got: 3/],
  ])('refuses the name %p', (name, message) => {
    expect(() => resolve(name)).toThrow(message);
  });
});
