import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The library as it was built with this suite: the same files, by the same compiler, as those that are published. */
const LIBRARY = fileURLToPath(
  new URL('../../../libs/kyu/src', import.meta.url),
);
/** Words of this suite that the library has no use for. */
const OURS = /failpoint|mutant|chaos/i;

/** Files of the library's build that know of this suite; there should be none. */
export async function filesWithFailpoints(folder = LIBRARY): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  const found: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    const text = await readFile(path.join(folder, file), 'utf8');
    if (OURS.test(text)) found.push(file);
  }
  if (files.length === 0) throw new Error(`${folder} is empty.`);
  return found;
}
