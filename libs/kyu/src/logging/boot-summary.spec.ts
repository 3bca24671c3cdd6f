import { readFileSync } from 'node:fs';
import { resolveOptions } from '../config/resolve-options.js';
import { bootSummary } from './boot-summary.js';
import { KYU_VERSION } from './version.js';

describe('the boot summary', () => {
  it('says what the process is to its queue, without passwords', () => {
    const config = resolveOptions(
      {
        mode: 'both',
        workers: 7,
        postgres: { url: 'postgres://ada:s3cret@db:6432/shop', schema: 'kyu' },
        redis: { url: 'redis://:s3cret@cache:6380/2' },
      },
      {},
    );
    expect(bootSummary(config, 3)).toBe(
      `Kyu ${KYU_VERSION} is ready: mode both, queue kyu:default, 7 slots, 3 handlers; PostgreSQL at db:6432/shop, schema kyu; Redis at cache:6380.`,
    );
  });

  it('names the classes that no module provides where there is no handler', () => {
    const config = resolveOptions({ redis: false }, {});
    expect(bootSummary(config, 0, () => 'Mails')).toContain(
      '5 slots, 0 handlers (no module provides Mails); ',
    );
    expect(bootSummary(config, 1, () => 'Mails')).not.toContain('Mails');
  });

  it('of a producer without Redis', () => {
    const config = resolveOptions({ mode: 'producer', redis: false }, {});
    expect(bootSummary(config, 3)).toMatch(
      /mode producer, queue kyu:default, it runs no jobs; PostgreSQL at localhost:5432\/.*; no Redis\.$/,
    );
  });

  it('has the version of the package', () => {
    const { version } = JSON.parse(
      readFileSync('libs/kyu/package.json', 'utf8'),
    ) as { version: string };
    expect(KYU_VERSION).toBe(version);
  });
});
