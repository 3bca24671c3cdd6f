import { InvalidJobError } from '../errors/kyu.errors.js';
import { showValue } from '../runtime/show-value.js';
import { isUuid } from '../runtime/uuid-v7.js';

/** The id of a job as PostgreSQL writes it. @throws {InvalidJobError} */
export function checkId(id: string): string {
  if (!isUuid(id))
    throw new InvalidJobError(
      `Expected the id of a job, a UUID, got: ${showValue(id)}.`,
    );
  return id.toLowerCase();
}
