import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { UNDEFINED_BY_CIRCULAR_IMPORT } from '../runtime/circular-import.js';

/** @throws {InvalidOptionsError} for a name that is given and undefined. Without a name the default registration is meant. */
export function refuseUndefinedName(
  decorator: string,
  names: readonly [name?: string],
): void {
  if (names.length > 0 && names[0] === undefined)
    throw new InvalidOptionsError([
      `${decorator} got a name that is ${UNDEFINED_BY_CIRCULAR_IMPORT}. For the registration without a name leave it out`,
    ]);
}
