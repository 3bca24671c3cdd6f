import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { picture } from '../report/picture.js';
import type { Report } from '../report/results.js';
import { PICTURE, RESULTS, withSection } from './section.js';

// `npm run bench:readme -- FILE`: takes over what `npm run bench -- --json FILE` wrote, in the root of the repository.

const [file] = process.argv.slice(2);
if (!file) {
  console.error(
    'Say which numbers: npm run bench:readme -- FILE, as `npm run bench -- --json FILE` wrote it.',
  );
  process.exit(2);
}
const text = await readFile(file, 'utf8');
const report = JSON.parse(text) as Report;
const readme = path.resolve('README.md');
const updated = withSection(await readFile(readme, 'utf8'), report);
await writeFile(RESULTS, text);
await writeFile(PICTURE, picture(report));
await writeFile(readme, updated);
console.log(
  `README.md, ${RESULTS} and ${PICTURE} show the run of ${report.environment.date}.`,
);
