import type { ValidationError } from 'class-validator';
import {
  InvalidOptionsError,
  type PayloadIssue,
} from '../errors/kyu.errors.js';
import { showValue } from '../runtime/show-value.js';
import type { DtoClass } from './job-schema.js';
import { joinPath, type SchemaVerdict } from './payload-issues.js';

/** Optional peers: who has no such class has no need of them. */
const importTools = async () => {
  const [{ validate }, { plainToInstance }] = await Promise.all([
    import('class-validator'),
    import('class-transformer'),
  ]);
  return { validate, plainToInstance };
};

/**
 * Makes sure that classes can be used as schemas: better at boot than at the first job.
 *
 * @throws {InvalidOptionsError} when a package is missing.
 */
export async function loadClassTools(
  load: typeof importTools = importTools,
): Promise<Awaited<ReturnType<typeof importTools>>> {
  try {
    return await load();
  } catch (error) {
    throw new InvalidOptionsError([
      `a class as the schema of a job needs the packages class-validator and class-transformer: npm install class-validator class-transformer (${String((error as Error).message).split('\n')[0]})`,
    ]);
  }
}

/** An instance of the class made of the value, or what its decorators have against it. */
export async function applyClass(
  type: DtoClass,
  value: unknown,
): Promise<SchemaVerdict> {
  const { validate, plainToInstance } = await loadClassTools();
  // class-transformer takes a list for many instances, and null for nothing to do.
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return {
      issues: [
        { path: '', message: `expected an object, got ${showValue(value)}` },
      ],
    };
  const instance = plainToInstance(type as DtoClass<object>, value);
  const errors = await validate(instance);
  return errors.length > 0
    ? { issues: issuesOfErrors(errors) }
    : { value: instance };
}

/** What class-validator has against a value, and against what is in it. */
export const issuesOfErrors = (
  errors: readonly ValidationError[],
): PayloadIssue[] => errors.flatMap((error) => issuesOf(error));

function issuesOf(
  { property, constraints = {}, children = [] }: ValidationError,
  parents: readonly string[] = [],
): PayloadIssue[] {
  const keys = property === undefined ? parents : [...parents, property];
  const own = Object.values(constraints).map((message) => ({
    path: joinPath(keys),
    message,
  }));
  return [...own, ...children.flatMap((child) => issuesOf(child, keys))];
}
