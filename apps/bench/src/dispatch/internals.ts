import type { JobContext, JobHandlerFunction } from '@kyu/nestjs';

// What the micro-benchmarks need of Kyu that is not public: the path of a claimed job to its handler, without the servers before and after it.

/** What HandlerRegistry has for that. */
export interface Registry {
  resolve(type: string): JobHandlerFunction | undefined;
}

/** What JobRun has. */
export interface Run {
  readonly context: JobContext;
  withTimeout<T>(work: Promise<T>): Promise<T>;
}

export interface Internals {
  HandlerRegistry: abstract new (...args: never[]) => Registry;
  JobRun: new (job: object, queue: string, worker: string) => Run;
}

/** From the built package, past its exports. */
export async function loadInternals(): Promise<Internals> {
  const index = import.meta.resolve('@kyu/nestjs');
  const load = async (path: string): Promise<object> =>
    (await import(new URL(path, index).href)) as object;
  return {
    ...(await load('./handlers/handler.registry.js')),
    ...(await load('./worker/job-run.js')),
  } as Internals;
}
