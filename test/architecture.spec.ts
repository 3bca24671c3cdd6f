import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';

/** The folders of the library from the ground up: a file may import its own folder and those before it. */
const LAYERS = [
  'errors',
  'runtime',
  'job',
  'config',
  'events',
  'store',
  'ready-queue',
  'handlers',
  'context',
  'queue',
  'worker',
  'maintenance',
  'listeners',
  'logging',
  'metrics',
  'tracing',
  'health',
  'schedule',
  '.', // kyu.module.ts, index.ts
];
const LIBRARY = 'libs/kyu/src';
const MAX_LINES = 300;

interface SourceFile {
  path: string;
  text: string;
  imports: { from: string; typeOnly: boolean }[];
}

const root = process.cwd();

function sources(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('spec.ts'))
    .map((path) => {
      const file = posix.join(folder, path.replaceAll('\\', '/'));
      const text = readFileSync(join(root, file), 'utf8');
      return { path: file, text, imports: importsOf(text) };
    });
}

function importsOf(text: string): SourceFile['imports'] {
  const statements =
    /^(?:import|export)\s+(type\s+)?([^;]*?\sfrom\s+)?'([^']+)';/gm;
  return [...text.matchAll(statements)].map(([, type, names, from]) => ({
    from: from!,
    typeOnly:
      type !== undefined ||
      // `import { type A, type B }` imports no value either
      (/^\{[^}]*\}\s+from/.test(names ?? '') &&
        names!
          .replace(/^\{|\}\s+from\s*$/g, '')
          .split(',')
          .every((name) => /^\s*(type\s.*)?$/.test(name))),
  }));
}

const library = sources(LIBRARY);
const byPath = new Map(library.map((file) => [file.path, file]));

const target = (file: SourceFile, from: string): string | undefined =>
  from.startsWith('.')
    ? posix.join(dirname(file.path), from.replace(/\.js$/, '.ts'))
    : undefined;

const layerOf = (path: string): number => {
  const [folder, rest] = relative(LIBRARY, path).split('/');
  return LAYERS.indexOf(rest === undefined ? '.' : folder!);
};

/** `file: import` for every import that breaks the rule. */
const offenders = (
  files: SourceFile[],
  breaks: (file: SourceFile, from: string, typeOnly: boolean) => boolean,
): string[] =>
  files.flatMap((file) =>
    file.imports
      .filter(({ from, typeOnly }) => breaks(file, from, typeOnly))
      .map(({ from }) => `${file.path}: ${from}`),
  );

const isPackage = (from: string, ...names: string[]): boolean =>
  names.some((name) => from === name || from.startsWith(`${name}/`));

describe('architecture of @kyu/nestjs', () => {
  it('reads a whole library', () => {
    expect(library.length).toBeGreaterThan(50);
    expect(library.flatMap(({ imports }) => imports).length).toBeGreaterThan(
      200,
    );
  });

  it('knows every folder', () => {
    const unknown = library.filter(({ path }) => layerOf(path) === -1);
    expect(unknown.map(({ path }) => path)).toEqual([]);
  });

  it('imports only downwards', () => {
    expect(
      offenders(library, (file, from) => {
        const to = target(file, from);
        return to !== undefined && layerOf(to) > layerOf(file.path);
      }),
    ).toEqual([]);
  });

  it('resolves every relative import', () => {
    expect(
      offenders(library, (file, from) => {
        const to = target(file, from);
        return to !== undefined && !byPath.has(to);
      }),
    ).toEqual([]);
  });

  it('has no cycles, types included', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      if (done.has(path)) return;
      const file = byPath.get(path);
      for (const { from } of file?.imports ?? []) {
        const to = target(file!, from);
        if (to) visit(to, [...trail, path]);
      }
      done.add(path);
    };
    for (const { path } of library) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('has one barrel, which nobody inside imports', () => {
    expect(
      library.filter(({ path }) => path.endsWith('/index.ts')),
    ).toHaveLength(1);
    expect(offenders(library, (_, from) => from.endsWith('/index.js'))).toEqual(
      [],
    );
    expect(byPath.get(`${LIBRARY}/index.ts`)!.text).not.toMatch(/export \*/);
  });

  it('talks to Postgres in store/ only', () => {
    expect(
      offenders(
        library,
        ({ path }, from, typeOnly) =>
          isPackage(from, 'typeorm', 'pg') &&
          !typeOnly &&
          !path.startsWith(`${LIBRARY}/store/`) &&
          path !== `${LIBRARY}/job/job.entity.ts`,
      ),
    ).toEqual([]);
  });

  it('talks to Redis in ready-queue/ only', () => {
    expect(
      offenders(
        library,
        ({ path }, from, typeOnly) =>
          isPackage(from, 'ioredis') &&
          !typeOnly &&
          !path.startsWith(`${LIBRARY}/ready-queue/`),
      ),
    ).toEqual([]);
  });

  it('keeps SQL in *.sql.ts and migrations', () => {
    const sql =
      /\b(SELECT\s[^`]*\sFROM|INSERT INTO|UPDATE\s[^`]*\sSET|DELETE FROM)\b/;
    const elsewhere = library.filter(
      ({ path, text }) =>
        sql.test(text) &&
        !path.endsWith('.sql.ts') &&
        !path.includes('/migrations/') &&
        !path.endsWith('/store/migrator.ts'), // bookkeeping of the migrations themselves
    );
    expect(elsewhere.map(({ path }) => path)).toEqual([]);
  });

  it('stages from two places only: after the commit, and in the scheduler', () => {
    const callers = library.filter(
      ({ path, text }) =>
        /readyQueue\s*\.stage\(/.test(text) && !path.includes('/ready-queue/'),
    );
    expect(callers.map(({ path }) => path).sort()).toEqual([
      `${LIBRARY}/maintenance/scheduler.ts`,
      `${LIBRARY}/queue/announcer.ts`,
    ]);
  });

  it('calls handlers in the executor only', () => {
    const callers = library.filter(({ text }) =>
      /handlers\.resolve\(/.test(text),
    );
    expect(callers.map(({ path }) => path)).toEqual([
      `${LIBRARY}/worker/job-executor.ts`,
    ]);
  });

  it('needs @nestjs/terminus only for who imports its entry, and @opentelemetry/api for nobody', () => {
    const entry = `${LIBRARY}/terminus.ts`;
    const indicator = `${LIBRARY}/health/kyu-health.indicator.ts`;
    expect(
      offenders(
        library,
        ({ path }, from, typeOnly) =>
          !typeOnly &&
          ((isPackage(from, '@nestjs/terminus') && path !== indicator) ||
            isPackage(from, '@opentelemetry/api')),
      ),
    ).toEqual([]);
    expect(
      library
        .filter((file) =>
          file.imports.some(({ from }) =>
            [entry, indicator].includes(target(file, from) ?? ''),
          ),
        )
        .map(({ path }) => path),
    ).toEqual([entry]);
  });

  it('keeps test helpers out of production code', () => {
    expect(
      offenders(library, (_, from) =>
        isPackage(
          from,
          'jest',
          '@jest/globals',
          '@nestjs/testing',
          '@kyu/testing',
          '@kyu/embedded',
        ),
      ),
    ).toEqual([]);
  });

  it('is used through its public index by everyone else', () => {
    const others = [
      'libs/kyu-testing/src',
      'libs/kyu-embedded/src',
      'apps/example/src',
    ].flatMap(sources);
    expect(
      offenders(
        others,
        ({ path }, from) =>
          from.includes('libs/kyu') ||
          (from.startsWith('@kyu/nestjs/') &&
            from !== '@kyu/nestjs/terminus' &&
            // It puts its own in place of what is inside.
            !(
              from === '@kyu/nestjs/testing-internals' &&
              path.startsWith('libs/kyu-testing/')
            )),
      ),
    ).toEqual([]);
  });

  it('has small files', () => {
    const long = [...library, ...sources('libs/kyu-testing/src')].filter(
      ({ text }) => text.split('\n').length > MAX_LINES,
    );
    expect(long.map(({ path }) => path)).toEqual([]);
  });
});
