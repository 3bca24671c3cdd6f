// node compile.mjs <swc|babel|esbuild> <folder>: compiles the TypeScript files of a folder, each by itself, with the settings that lie there.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transformFileAsync } from '@babel/core';
import { transformFile } from '@swc/core';
import { transform } from 'esbuild';

const [compiler, folder] = process.argv.slice(2);

const compilers = {
  swc: (file) => transformFile(file, { swcrcRoots: folder, cwd: folder }),
  babel: (file) =>
    transformFileAsync(file, { cwd: folder, root: folder, babelrc: false }),
  esbuild: async (file) =>
    transform(await readFile(file, 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
      tsconfigRaw: await readFile(join(folder, 'tsconfig.json'), 'utf8'),
    }),
};

for (const name of await readdir(folder)) {
  if (!name.endsWith('.ts')) continue;
  const { code } = await compilers[compiler](join(folder, name));
  await writeFile(join(folder, name.replace(/\.ts$/, '.js')), code);
}
