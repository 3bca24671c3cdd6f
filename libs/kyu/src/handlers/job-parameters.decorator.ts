import {
  createParamDecorator,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { JobRunInfo } from '../job/job-context.js';

/** Nest keeps parameter decorators under this key (`ROUTE_ARGS_METADATA`). */
export const ROUTE_ARGUMENTS = '__routeArguments__';

/** A registered symbol: each copy of the package in a process knows the parameters of the others. */
const OWN_PARAMETER = Symbol.for('kyu:own-parameter');

/** Marks the factory of a parameter that Kyu fills with something of its own. */
const own = <Factory extends object>(factory: Factory): Factory =>
  Object.assign(factory, { [OWN_PARAMETER]: true });

/** Whether a parameter is filled by Kyu itself, and so is neither the payload nor made of the payload. */
export const isOwnParameter = (factory: unknown): boolean =>
  typeof factory === 'function' && OWN_PARAMETER in factory;

/**
 * The job's payload, or one field of it: `@JobPayload() payload: SendEmail`, `@JobPayload('to') to: string`. Takes pipes, as Nest's `@Body()` does.
 *
 * @publicApi
 */
export const JobPayload: (
  // Written out: inferred, it would name types that Nest 11 does not have.
  ...fieldOrPipes: (string | PipeTransform | Type<PipeTransform>)[]
) => ParameterDecorator = createParamDecorator(
  (field: string | undefined, context: ExecutionContext): unknown => {
    const payload = context.getArgByIndex<unknown>(0);
    if (field === undefined) return payload;
    // Own fields only: a payload is data, and `constructor` is no field of it.
    return typeof payload === 'object' &&
      payload !== null &&
      Object.hasOwn(payload, field)
      ? (payload as Record<string, unknown>)[field]
      : undefined;
  },
);

/**
 * What the handler can know about its job: id, type, attempt, signal …
 *
 * @publicApi
 */
export interface JobContext extends JobRunInfo {}

/**
 * Hands the {@link JobContext} to a parameter: `@JobContext() job: JobContext`. Pipes of the method, its class and the application do not see this parameter.
 *
 * @publicApi
 */
export const JobContext = createParamDecorator(
  own((_: unknown, context: ExecutionContext): JobContext =>
    context.getArgByIndex<JobContext>(1),
  ),
);

/** A registered symbol, for the same reason. */
const IS_MANAGER = Symbol.for('kyu:job-manager');

const managerOf = Object.assign(
  own(
    (_: unknown, context: ExecutionContext): EntityManager | undefined =>
      context.getArgByIndex<JobContext>(1).manager,
  ),
  { [IS_MANAGER]: true },
);

/**
 * Hands the job's `EntityManager` to a parameter of a `transactional` handler: `@JobManager() manager: EntityManager`. What is written by it is committed
 * together with the end of the job. A handler that is not transactional has none, and is refused at boot. Pipes of the method, its class and the application do
 * not see this parameter.
 *
 * @publicApi
 */
export const JobManager = createParamDecorator(managerOf);

/** Whether a method has a `@JobManager()`. */
export function asksForManager(hostClass: object, method: string): boolean {
  const parameters = Reflect.getMetadata(ROUTE_ARGUMENTS, hostClass, method) as
    Record<string, { factory?: object }> | undefined;
  return Object.values(parameters ?? {}).some(
    ({ factory }) => factory !== undefined && IS_MANAGER in factory,
  );
}
