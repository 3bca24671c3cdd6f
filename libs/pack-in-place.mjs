// Makes `npm pack ./libs/<library>` (and `npm publish`) give the same tarball as dist/libs/<library>: npm packs only what lies in the
// package's own folder, so `prepack` brings the built files there, building first where needed, and `postpack` takes them away again.
import { execSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const here = process.cwd(); // npm runs a package's scripts in its folder
const built = join(root, 'dist/libs', basename(here));

/** What is the library's own here, and not to be overwritten or taken away. */
const OWN = new Set([
  'package.json',
  'README.md',
  'docs',
  'src',
  'tsconfig.lib.json',
]);

/** prepare-packages.mjs writes the package.json, at the very end of a build. */
function isUpToDate() {
  const manifest = join(built, 'package.json');
  if (!existsSync(manifest)) return false;
  const builtAt = statSync(manifest).mtimeMs;
  const libs = join(root, 'libs');
  return readdirSync(libs, { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .every((path) => statSync(join(libs, path)).mtimeMs <= builtAt);
}

switch (process.argv[2]) {
  case 'stage':
    // To stderr: npm's own answer, the name of the tarball, is on stdout.
    if (!isUpToDate())
      execSync('npm run --silent build:libs', {
        cwd: root,
        stdio: ['ignore', 2, 2],
      });
    for (const name of readdirSync(built))
      if (!OWN.has(name))
        cpSync(join(built, name), join(here, name), { recursive: true });
    break;
  case 'unstage':
    for (const name of readdirSync(built))
      if (!OWN.has(name))
        rmSync(join(here, name), { recursive: true, force: true });
    break;
  default:
    throw new Error('Usage: pack-in-place.mjs stage | unstage');
}
