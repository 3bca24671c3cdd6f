import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folders: string[] = [];

/** The library as JavaScript, for child processes: the path of its index.js. */
export const compileLibrary = (): Promise<string> =>
  compileEntry('libs/kyu/src/index.ts');

/** A program of the tests and the library as JavaScript, as Jest compiles them; below dist, so that packages are found. Its path; it goes after the tests. */
export async function compileEntry(entry: string): Promise<string> {
  const dist = path.join(ROOT, 'dist');
  await mkdir(dist, { recursive: true });
  const folder = await mkdtemp(path.join(dist, 'kyu-child-'));
  folders.push(folder);
  const library = await readdir(path.join(ROOT, 'libs/kyu/src'), {
    recursive: true,
  });
  const files = library
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => path.join('libs/kyu/src', file));
  await Promise.all(
    [...new Set([...files, entry])].map(async (file) => {
      const { code } = await transformFile(path.join(ROOT, file), {
        swcrc: false,
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: false,
          },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      });
      const target = path.join(folder, file.replace(/\.ts$/, '.js'));
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, code);
    }),
  );
  return path.join(folder, entry.replace(/\.ts$/, '.js'));
}

afterAll(async () => {
  for (const folder of folders.splice(0))
    await rm(folder, { recursive: true, force: true });
});
