import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { npm, run } from './run.js';

const REPOSITORY = process.cwd();
export const LIBRARIES = ['kyu', 'kyu-testing', 'kyu-embedded'] as const;
/** Their names on npm, in the same order. */
export const NPM_NAMES = ['@kyu/nestjs', '@kyu/testing', '@kyu/embedded'];

/** A tarball, and what came out of it. */
export interface Package {
  tarball: string;
  files: string[];
  manifest: Record<string, unknown>;
  read: (file: string) => Promise<string>;
}

/**
 * Packs the libraries as a maintainer does, in a copy of what their build needs: a build here would pull dist/libs from under
 * the tests that run at the same time.
 */
export async function packLibraries(folder: string): Promise<Package[]> {
  const copy = join(folder, 'repository');
  const tarballs = join(folder, 'tarballs');
  await mkdir(copy);
  await mkdir(tarballs);
  for (const name of [
    'libs',
    'package.json',
    'tsconfig.json',
    'nest-cli.json',
    'LICENSE',
  ])
    await cp(join(REPOSITORY, name), join(copy, name), { recursive: true });
  await symlink(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));

  // The first one's `prepack` finds nothing built and builds them all.
  const before = await readdir(join(copy, 'libs'), { recursive: true });
  const places = LIBRARIES.map((name) => `./libs/${name}`);
  await npm(['pack', ...places, '--pack-destination', tarballs], { cwd: copy });
  const after = await readdir(join(copy, 'libs'), { recursive: true });
  expect(after.sort()).toEqual(before.sort());

  const packages: Package[] = [];
  for (const name of LIBRARIES) {
    const built = `./dist/libs/${name}`;
    const answer = await npm(['pack', built, '--dry-run', '--json'], {
      cwd: copy,
    });
    const [{ filename, files }] = JSON.parse(answer) as [
      { filename: string; files: { path: string }[] },
    ];
    const tarball = join(tarballs, filename);
    const found = await unpack(tarball, join(folder, 'unpacked', name));
    // The two ways to pack give the same package.
    expect(found.files).toEqual(files.map(({ path }) => path).sort());
    packages.push({ tarball, ...found });
  }
  return packages;
}

async function unpack(
  tarball: string,
  into: string,
): Promise<Omit<Package, 'tarball'>> {
  await mkdir(into, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: into });
  const entries = await readdir(into, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(into.length + 1));
  const read = (file: string) => readFile(join(into, file), 'utf8');
  const manifest = JSON.parse(
    await read('package.json'),
  ) as Package['manifest'];
  return { files: files.sort(), manifest, read };
}
