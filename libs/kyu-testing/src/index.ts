// The public names of @kyu/testing.
export {
  KyuTestingModule,
  withKyuTesting,
  type KyuTestingOptions,
} from './kyu-testing.module.js';
export { drain, faults, perform } from './calls.js';
export type { DrainOptions, PerformOptions } from './call-options.js';
export type { Faults } from './faults.js';
export {
  EnqueuedExpectationError,
  expectEnqueued,
  type EnqueuedExpectation,
} from './expect-enqueued.js';
export { fakeJobContext } from './fake-job-context.js';
export { isolated } from './isolated.js';
export { nextEvent } from './next-event.js';
export { until } from './until.js';
