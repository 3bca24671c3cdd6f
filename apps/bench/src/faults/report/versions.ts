import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of the package that `import name` would load here. */
export function versionOf(name: string): string {
  let folder = path.dirname(fileURLToPath(import.meta.resolve(name)));
  // Packages need not export their package.json.
  while (!existsSync(path.join(folder, 'package.json')) || isInner(folder))
    folder = path.dirname(folder);
  return readPackage(folder).version!;
}

export const machine = (): string =>
  `${os.availableParallelism()} cores, ${os.type()} ${os.release()} ${os.arch()}`;

/** A package.json that only says how the files beside it are to be read. */
const isInner = (folder: string): boolean =>
  readPackage(folder).version === undefined;

const readPackage = (folder: string): { version?: string } =>
  JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    version?: string;
  };
