// Prints what became of the jobs of the compiled examples beside it.
import * as explicit from './explicit.js';
import * as pipeline from './pipeline.js';
import { runJobs } from './run-jobs.mjs';
import * as tour from './tour.js';
import * as typed from './typed.js';
import * as validation from './validation.js';

const examples = { tour, pipeline, validation, typed, explicit };
console.log(JSON.stringify(await runJobs(examples)));
