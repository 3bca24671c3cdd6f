import { readdir, readFile } from 'node:fs/promises';
import { brokenLinks } from '../packages/links.js';

interface Manifest {
  name: string;
  description: string;
  keywords: string[];
  homepage?: string;
  license: string;
  files: string[];
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8');
const manifestOf = async (library: string): Promise<Manifest> =>
  JSON.parse(await readText(`libs/${library}/package.json`)) as Manifest;

const LIBRARIES = ['kyu', 'kyu-testing', 'kyu-embedded'];

// The tarballs themselves are packed, and looked into, by test/packages.
describe('field 26: the packages on npm', () => {
  it.each(LIBRARIES)(
    'libs/%s says what it is and where to read on',
    async (library) => {
      const { name, description, keywords, homepage } =
        await manifestOf(library);
      expect(description.length).toBeGreaterThan(20);
      expect(keywords).toEqual(expect.arrayContaining(['kyu']));
      expect(homepage).toBe(`https://www.npmjs.com/package/${name}#readme`);
    },
  );

  it('bring the guides, whose links lead to each other and not out of the package', async () => {
    expect((await manifestOf('kyu')).files).toContain('docs/*.md');
    const guides = await readdir('libs/kyu/docs');
    const files = ['README.md', ...guides.map((guide) => `docs/${guide}`)];
    const read = (file: string) => readText(`libs/kyu/${file}`);
    expect(await brokenLinks({ files, read })).toEqual([]);
    const readme = await read('README.md');
    for (const guide of guides) expect(readme).toContain(`](docs/${guide})`);
  });

  it('have READMEs whose links lead somewhere', async () => {
    for (const library of LIBRARIES.slice(1)) {
      const read = (file: string) => readText(`libs/${library}/${file}`);
      expect(await brokenLinks({ files: ['README.md'], read })).toEqual([]);
    }
  });

  it('are installed by one line, with every peer dependency that an application does not have already', async () => {
    const { peerDependencies, peerDependenciesMeta } = await manifestOf('kyu');
    const ofEveryNest = [
      '@nestjs/common',
      '@nestjs/core',
      'reflect-metadata',
      'rxjs',
    ];
    const needed = Object.keys(peerDependencies).filter(
      (name) =>
        !peerDependenciesMeta[name]?.optional && !ofEveryNest.includes(name),
    );
    for (const path of [
      'README.md',
      'libs/kyu/README.md',
      'libs/kyu/docs/nest-11-and-commonjs.md',
    ]) {
      const [, line = ''] =
        /^npm install (@kyu\/nestjs .*)$/m.exec(await readText(path)) ?? [];
      const names = line
        .split(' ')
        .map((each) => each.replace(/(?<=.)@.*/, ''));
      expect([path, ...names.sort()]).toEqual([
        path,
        ...['@kyu/nestjs', ...needed].sort(),
      ]);
    }
  });
});
