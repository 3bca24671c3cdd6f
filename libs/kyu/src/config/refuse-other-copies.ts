import type { ModulesContainer } from '@nestjs/core';
import { InvalidOptionsError } from '../errors/kyu.errors.js';

/**
 * Decorators, definitions, errors and injected services of two copies of this package work together.
 * Two modules do not: neither would see the other one's registrations.
 *
 * @param registration the token that the modules of all copies have.
 * @param own a provider that only those of this copy have.
 * @throws {InvalidOptionsError}
 */
export function refuseOtherCopies(
  modules: ModulesContainer,
  registration: symbol,
  own: abstract new (...args: never[]) => unknown,
): void {
  for (const { providers } of modules.values())
    if (providers.has(registration) && !providers.has(own))
      throw new InvalidOptionsError([
        'KyuModule of two copies of @kyu/nestjs is imported by this application. Let all packages use one copy: ' +
          '`npm ls @kyu/nestjs` shows them, and `npm dedupe` merges them if their version ranges allow it',
      ]);
}
