import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { join } from '../report/join.js';
import { picture } from '../report/picture.js';
import type { Report } from '../report/results.js';
import { PICTURE, RESULTS, withSection } from './section.js';

// `npm run bench:readme -- FILE…`: takes over what `npm run bench -- --json FILE` wrote, in the root of the repository.

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error(
    'Say which numbers: npm run bench:readme -- FILE…, as `npm run bench -- --json FILE` wrote it.',
  );
  process.exit(2);
}
const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
const report = join(texts.map((text) => JSON.parse(text) as Report));
const readme = path.resolve('README.md');
const updated = withSection(await readFile(readme, 'utf8'), report);
await writeFile(RESULTS, `${JSON.stringify(report, null, 2)}\n`);
await writeFile(PICTURE, picture(report));
await writeFile(readme, updated);
console.log(
  `README.md, ${RESULTS} and ${PICTURE} show the run of ${report.environment.date}.`,
);
