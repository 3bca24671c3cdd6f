import type { MutantName } from './mutant-names.js';
import { METHOD_MUTANTS } from './mutants.methods.js';
import { SQL_MUTANTS } from './mutants.sql.js';

/**
 * Kyu with one promise broken each, as a mistake might break it. The checkers are worth something only if they catch every one of them.
 */
const MUTANTS: Readonly<Record<MutantName, () => void>> = {
  ...SQL_MUTANTS,
  ...METHOD_MUTANTS,
};

export function applyMutants(names: readonly string[]): void {
  for (const name of names) {
    const apply = (MUTANTS as Record<string, (() => void) | undefined>)[name];
    if (!apply) throw new Error(`There is no mutant "${name}".`);
    apply();
  }
}
