import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import type { Package } from './packages.js';

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

/** The imports that would fail for who installs the package: files that it does not ship, packages that it does not ask for. */
export async function brokenImports(library: Package): Promise<string[]> {
  const { dependencies, peerDependencies } = library.manifest;
  const asked = new Set(
    [dependencies, peerDependencies].flatMap((list) => Object.keys(list ?? {})),
  );
  const broken: string[] = [];
  for (const file of library.files) {
    const isDeclaration = file.endsWith('.d.ts');
    if (!isDeclaration && !file.endsWith('.js')) continue;
    for (const [, specifier = ''] of (await library.read(file)).matchAll(
      IMPORT,
    )) {
      const works = specifier.startsWith('.')
        ? library.files.includes(target(file, specifier, isDeclaration))
        : specifier.startsWith('node:') || asked.has(packageOf(specifier));
      if (!works) broken.push(`${file}: ${specifier}`);
    }
  }
  return broken;
}

function target(file: string, specifier: string, declaration: boolean): string {
  const path = posix.join(posix.dirname(file), specifier);
  return declaration ? path.replace(/\.js$/, '.d.ts') : path;
}

function packageOf(specifier: string): string {
  // A built-in without `node:` may be shadowed by a package.
  if (builtinModules.includes(specifier)) return `node:${specifier}`;
  const [scope = '', name] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}
