import { NPM_NAMES } from './packages.js';

/** What each `npm install` line of a guide installs, with the tarballs of this repository in place of its packages. */
export function installLines(
  guide: string,
  tarballOf: (name: string) => string,
): string[][] {
  const lines = [...guide.matchAll(/^npm install ((?:--\S+ )*@.*)$/gm)];
  if (lines.length === 0) throw new Error('The guide has no npm install line.');
  return lines.map(([, names = '']) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => (NPM_NAMES.includes(name) ? tarballOf(name) : name)),
  );
}
