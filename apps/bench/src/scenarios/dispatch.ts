import type { Dispatch, DispatchTasks } from '../dispatch/process.js';
import { Program } from '../harness/program.js';
import { inArena } from './in-arena.js';
import type { Entrant, Scenario } from './scenario.js';

const ENTRY = new URL('../dispatch/process.js', import.meta.url);

/** The names are those of the original's benchmarks in Go. */
const BENCHMARKS: readonly (Pick<Dispatch, 'what' | 'interceptors'> & {
  name: string;
  title: string;
})[] = [
  {
    name: 'BenchmarkRegister',
    title: 'register a handler',
    what: 'register',
    interceptors: 0,
  },
  {
    name: 'BenchmarkExecute',
    title: 'dispatch in memory, no interceptor',
    what: 'execute',
    interceptors: 0,
  },
  {
    name: 'BenchmarkExecuteOneInterceptor',
    title: 'dispatch in memory, one interceptor',
    what: 'execute',
    interceptors: 1,
  },
  {
    name: 'BenchmarkExecuteTwoInterceptors',
    title: 'dispatch in memory, two interceptors',
    what: 'execute',
    interceptors: 2,
  },
  {
    name: 'BenchmarkExecuteFiveInterceptors',
    title: 'dispatch in memory, five interceptors',
    what: 'execute',
    interceptors: 5,
  },
  {
    name: 'BenchmarkExecuteParallel',
    title: 'dispatch in memory, 50 at once',
    what: 'parallel',
    interceptors: 0,
  },
];

const entrant = ({
  name,
  what,
  interceptors,
}: (typeof BENCHMARKS)[number]): Entrant => ({
  contestant: 'kyu',
  label: name,
  round: ({ ground, sizes }) =>
    inArena(ground, 'kyu', {}, async ({ settings }) => {
      const program = await Program.start<DispatchTasks>(name, ENTRY);
      try {
        const { postgresUrl, redisUrl } = settings;
        return {
          [name]: await program.ask('measure', {
            what,
            interceptors,
            calls: sizes.dispatches,
            postgresUrl,
            redisUrl,
          }),
        };
      } finally {
        await program.kill();
      }
    }),
});

export const dispatch: Scenario = {
  name: 'dispatch',
  title:
    'In memory, without the servers: from a claimed job to the return of its decorated handler (look it up, make its context, arm its timeout, call it through Nest).',
  measures: BENCHMARKS.map(({ name, title }) => ({
    id: name,
    title,
    unit: 'µs',
    better: 'less',
  })),
  entrants: BENCHMARKS.map(entrant),
};
