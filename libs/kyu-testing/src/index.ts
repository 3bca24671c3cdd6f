// The public names of @kyu/testing.
export { isolated } from './isolated.js';
export { nextEvent } from './next-event.js';
export { until } from './until.js';
