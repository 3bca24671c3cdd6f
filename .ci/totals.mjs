// Adds up the result files of the test runs, one line for people and machines.
import { readFileSync } from 'node:fs';

const results = process.argv
  .slice(2)
  .map((file) => JSON.parse(readFileSync(file, 'utf8')));
const sum = (key) => results.reduce((total, each) => total + each[key], 0);
const skipped = sum('numPendingTests') + sum('numTodoTests');
console.log(
  `${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
