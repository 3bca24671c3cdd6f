import { Claimer } from '../../libs/kyu/src/worker/claimer.js';
import type { TestKyu } from './start-kyu.js';

/** Its worker waits for an id, and knows of nothing to do. */
export const isWaiting = ({ app }: Pick<TestKyu, 'app'>): boolean =>
  app.get(Claimer, { strict: false }).waiting;
