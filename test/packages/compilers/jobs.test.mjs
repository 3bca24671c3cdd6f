// As main.mjs, with the examples as Vitest compiles them.
import * as explicit from './explicit.ts';
import * as pipeline from './pipeline.ts';
import { runJobs } from './run-jobs.mjs';
import * as tour from './tour.ts';
import * as typed from './typed.ts';
import * as validation from './validation.ts';

it('runs the jobs of the examples', async () => {
  const examples = { tour, pipeline, validation, typed, explicit };
  expect(await runJobs(examples)).toEqual(JSON.parse(process.env.EXPECTED));
}, 30_000);
