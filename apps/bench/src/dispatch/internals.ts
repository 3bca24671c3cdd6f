import type * as scope from '../../../../libs/kyu/src/context/job-scope.js';
import type * as registry from '../../../../libs/kyu/src/handlers/handler.registry.js';
import type * as timers from '../../../../libs/kyu/src/runtime/late-timers.js';
import type * as run from '../../../../libs/kyu/src/worker/job-run.js';

/**
 * What the micro-benchmarks need of Kyu that is not public: the path of a claimed job to its handler, without the servers before and after it. The types are those of
 * the sources, so that whoever changes them hears of it here.
 */
export type Internals = typeof scope &
  typeof registry &
  typeof timers &
  typeof run;

/** From the built package, past its exports. */
export async function loadInternals(): Promise<Internals> {
  const index = import.meta.resolve('@kyu/nestjs');
  const load = async (path: string): Promise<object> =>
    (await import(new URL(path, index).href)) as object;
  return {
    ...(await load('./context/job-scope.js')),
    ...(await load('./handlers/handler.registry.js')),
    ...(await load('./runtime/late-timers.js')),
    ...(await load('./worker/job-run.js')),
  } as Internals;
}
