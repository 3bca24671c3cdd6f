import { Claimer } from '../../libs/kyu/src/worker/claimer.js';
import type { TestKyu } from './start-kyu.js';

/** Its worker waits for an id, and knows of nothing to do. */
export const isWaiting = (kyu: TestKyu): boolean =>
  kyu.app.get(Claimer, { strict: false }).waiting;
