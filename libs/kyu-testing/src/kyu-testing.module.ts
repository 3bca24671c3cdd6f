import { KyuModule, type KyuOptions } from '@kyu/nestjs';
import type { DynamicModule, InjectionToken } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { memorySubstitutes } from './memory/memory-substitutes.js';
import { realSubstitutes } from './real/real-substitutes.js';
import { asProvider, type Substitute } from './substitute.js';

/**
 * Where the jobs of a test are, and who runs them.
 *
 * @publicApi
 */
export interface KyuTestingOptions {
  /**
   * `'manual'`: enqueued jobs are kept in memory, and run when the test calls `drain(queue)`. `'inline'`: one that is due runs before its `enqueue()`
   * resolves. Both need no servers. `'real'`: on the servers of @kyu/embedded, with tables and keys of the test's own, by real workers.
   */
  mode: 'inline' | 'manual' | 'real';
  /**
   * Inline: whether `enqueue()` and `drain()` reject with what the handler threw. Refused in mode `'real'`. The job is `failed` or `dead` either way. Of a job that a handler enqueues, the
   * outermost `enqueue()` rejects: handlers go on as in production. @default true
   */
  throwFailures?: boolean;
  /**
   * What `transactional` handlers write by in the modes without servers: the `EntityManager` of a database of the test's own, each call in a transaction of
   * it; or whatever stands for one. @default that of the application's `postgres.dataSource`; without one, such a job is dead. Refused in mode `'real'`
   */
  manager?: EntityManager;
}

/** What `overrideProvider()` of a `TestingModuleBuilder` takes. @nestjs/testing itself is the application's affair. */
interface Overridable {
  overrideProvider(token: InjectionToken): {
    useFactory(options: {
      factory: (...injected: never[]) => unknown;
      inject?: InjectionToken[];
    }): unknown;
  };
}

/**
 * In place of `KyuModule` in a test of some of an application's modules:
 * `Test.createTestingModule({ imports: [KyuTestingModule.forRoot({ mode: 'manual' }), EmailModule] })`.
 *
 * @publicApi
 */
export class KyuTestingModule {
  /**
   * @param options and those of `KyuModule.forRoot()`, under `options`; `name` for a named registration: once for each.
   * @throws {InvalidOptionsError} for options that `KyuModule` does not take, when the module is compiled.
   */
  static forRoot({
    name,
    options = {},
    ...testing
  }: KyuTestingOptions & {
    name?: string;
    options?: KyuOptions;
  }): DynamicModule {
    const module = KyuModule.forRoot({ ...options, name });
    return {
      ...module,
      providers: [
        ...(module.providers ?? []),
        ...substitutesOf(testing).map(asProvider),
      ],
    };
  }
}

/**
 * For a test of a whole application, which imports `KyuModule` itself: its registrations stay as they are, with their options and handlers, but for the servers.
 *
 * `await withKyuTesting(Test.createTestingModule({ imports: [AppModule] }), { mode: 'manual' }).compile()`
 *
 * @returns the builder.
 * @publicApi
 */
export function withKyuTesting<Builder extends Overridable>(
  builder: Builder,
  options: KyuTestingOptions,
): Builder {
  for (const { token, factory, inject } of substitutesOf(options))
    builder.overrideProvider(token).useFactory({ factory, inject });
  return builder;
}

function substitutesOf({
  mode,
  ...options
}: KyuTestingOptions): readonly Substitute[] {
  switch (mode) {
    case 'inline':
    case 'manual':
      return memorySubstitutes({ mode, ...options });
    case 'real':
      refuseInReal(options);
      return realSubstitutes();
    default:
      throw new Error(
        `Expected the mode to be 'inline', 'manual' or 'real', got: ${JSON.stringify(mode)}.`,
      );
  }
}

/** Real workers write by Kyu's own transactions, and their `enqueue()` knows nothing of a handler. */
function refuseInReal(options: Omit<KyuTestingOptions, 'mode'>): void {
  for (const name of ['manager', 'throwFailures'] as const)
    if (options[name] !== undefined)
      throw new Error(
        `"${name}" means nothing in mode: 'real': ${INSTEAD[name]}.`,
      );
}

const INSTEAD = {
  manager:
    "handlers write by Kyu's own connection there, or by that of postgres.dataSource",
  throwFailures:
    'its workers run the jobs after enqueue() has resolved. Say it to drain(queue, { throwFailures: true })',
};
