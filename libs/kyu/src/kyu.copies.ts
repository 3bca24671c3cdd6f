import type { InjectionToken, Provider } from '@nestjs/common';
import { KyuEvents } from './events/kyu-events.js';
import { KyuHealth } from './health/kyu-health.js';
import { QueueService } from './queue/queue.service.js';

/** The classes by which applications inject. They are tokens, so those of another copy of this package are others. */
const TOKENS = { QueueService, KyuEvents, KyuHealth };

const COPIES = Symbol.for('kyu:copies');
const shared = globalThis as { [COPIES]?: Set<typeof TOKENS> };
const copies = (shared[COPIES] ??= new Set());
copies.add(TOKENS);

/**
 * The default registration's services under the classes of all other copies of this package that are
 * loaded. A library of a monorepo may bring its own copy, and asks for `QueueService` by that.
 */
export const forOtherCopies = (): (Provider & { provide: InjectionToken })[] =>
  [...copies]
    .filter((copy) => copy !== TOKENS)
    .flatMap((copy) =>
      Object.entries(TOKENS).map(([name, own]) => ({
        provide: copy[name as keyof typeof TOKENS],
        useExisting: own,
      })),
    );
