import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAILPOINTS } from './app/failpoint-names.js';
import { MUTANT_NAMES } from './app/mutant-names.js';

/** The sources, and what is built and published of them; the latter where there is a build. */
const FOLDERS = [
  'libs/kyu/src',
  'libs/kyu-embedded/src',
  'libs/kyu-testing/src',
  'dist/libs/kyu',
  'dist/packages',
].filter((folder) => existsSync(folder));

describe('the library', () => {
  it('knows nothing of the chaos suite: no failpoint, no mutant, built or not', async () => {
    const ours = new RegExp(
      ['failpoint', 'KYU_CHAOS', ...FAILPOINTS, ...MUTANT_NAMES].join('|'),
      'i',
    );
    const guilty: string[] = [];
    for (const folder of FOLDERS)
      for (const file of await readdir(folder, { recursive: true })) {
        if (!/\.[cm]?[jt]s$/.test(file) || file.includes('node_modules'))
          continue;
        if (ours.test(await readFile(join(folder, file), 'utf8')))
          guilty.push(join(folder, file));
      }
    expect(FOLDERS).toContain('libs/kyu/src');
    expect(guilty).toEqual([]);
  });
});
