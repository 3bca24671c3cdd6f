import { Inject, type InjectionToken } from '@nestjs/common';
import { refuseUndefinedName } from '../config/refuse-undefined-name.js';
import { KyuHealth } from './kyu-health.js';

/**
 * The token of a registration's `KyuHealth`, for tests and providers: `{ provide: getKyuHealthToken('billing'), useValue: fake }`.
 *
 * @param name as in `KyuModule.forRoot({ name })`; without one it is `KyuHealth` itself, the default registration's.
 * @publicApi
 */
export const getKyuHealthToken = (
  name?: string,
): InjectionToken<KyuHealth> & (string | typeof KyuHealth) =>
  // Nest prints it when nobody provides it: then it says what is missing.
  name === undefined
    ? KyuHealth
    : `KyuHealth of KyuModule.forRoot({ name: '${name}' })`;

/**
 * Injects the `KyuHealth` of a registration: `@InjectKyuHealth('billing') private readonly billing: KyuHealth`.
 *
 * @param name as in `KyuModule.forRoot({ name })`; without one the default registration's.
 * @throws {InvalidOptionsError} for a name that is undefined, as by a circular import: it would be the default registration's without a word.
 * @publicApi
 */
export const InjectKyuHealth = (
  ...name: [name?: string]
): PropertyDecorator & ParameterDecorator => {
  refuseUndefinedName('@InjectKyuHealth()', name);
  return Inject(getKyuHealthToken(...name));
};
