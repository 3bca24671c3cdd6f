import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, type BuildOptions, type Format, type Plugin } from 'esbuild';
import { isolated } from '@kyu/testing';
import { runSql } from '../support/boot-app.js';
import { compileEntry } from '../support/compile-entry.js';
import { runNode } from '../support/run-node.js';
import { POSTGRES_URL } from '../support/servers.js';
import type { Told } from './17-app.js';

const { schema, queueName } = isolated();
const OPTIONS = {
  postgres: { url: POSTGRES_URL, schema },
  redis: false,
  queueName,
  heartbeatInterval: 250,
  heartbeatTimeout: 1_000,
};
const FALLBACK = expect.stringMatching(
  /^The heartbeat comes from the main thread/,
) as string;

/** Compiling and starting an application, beside other suites. */
const SLOW = 60_000;

let folder: string;
/** The application as JavaScript, with the library beside it. */
let compiled: string;

beforeAll(async () => {
  compiled = path.join(await compileEntry('test/field/17-app.ts'), '../../..');
  // Nothing that a bundle leaves out can be found from there.
  folder = await mkdtemp(path.join(tmpdir(), 'kyu-bundle-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
});

/** What Nest and TypeORM ask for in vain, as nobody has all that they can use, stays outside. */
const optional: Plugin = {
  name: 'optional',
  setup(bundler) {
    const { resolve } = createRequire(import.meta.url);
    bundler.onResolve({ filter: /^[^./]/ }, ({ path: wanted, kind }) => {
      if (kind === 'entry-point') return undefined;
      try {
        resolve(wanted);
        return undefined;
      } catch (error) {
        return (error as { code?: string }).code === 'MODULE_NOT_FOUND'
          ? { path: wanted, external: true }
          : undefined;
      }
    });
  },
};

const ESBUILD: BuildOptions = {
  bundle: true,
  keepNames: true,
  platform: 'node',
  logLevel: 'silent',
  plugins: [optional],
};

const REQUIRE = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`;

/** @nestjs/typeorm 12 needs an `import.meta.url`, which CommonJS has not; Kyu does without. */
const filename: Plugin = {
  name: 'filename',
  setup(bundler) {
    bundler.onLoad(
      { filter: /typeorm-compat\.js$/ },
      async ({ path: file }) => {
        const contents = await readFile(file, 'utf8');
        return { contents: contents.replace('import.meta.url', '__filename') };
      },
    );
  },
};

const MAIN = `import { runApp } from './17-app.js';
runApp(JSON.parse(process.argv[2])).then((told) => console.log(JSON.stringify(told)));`;

async function bundle(format: Format, extension: string): Promise<string> {
  const outfile = path.join(folder, `app.${extension}`);
  await build({
    ...ESBUILD,
    stdin: {
      contents: MAIN,
      resolveDir: path.join(compiled, 'test/field'),
    },
    outfile,
    format,
    plugins: format === 'cjs' ? [optional, filename] : [optional],
    ...(format === 'esm' && { banner: { js: REQUIRE } }),
  });
  return outfile;
}

async function run(file: string): Promise<Told> {
  const { stdout } = await runNode([file, JSON.stringify(OPTIONS)], SLOW);
  return JSON.parse(stdout) as Told;
}

describe('field 17: the heartbeat of an application that was bundled by esbuild --keep-names', () => {
  const lacksThread: Told = { status: 'completed', warnings: [FALLBACK] };

  it(
    'as ESM: without the file of the thread the worker works, and says what it lacks; with it beside the bundle nothing is lacking',
    async () => {
      const file = await bundle('esm', 'mjs');
      expect(await run(file)).toEqual(lacksThread);
      await build({
        ...ESBUILD,
        entryPoints: [
          path.join(compiled, 'libs/kyu/src/store/heartbeat-loop.js'),
        ],
        outfile: path.join(folder, 'heartbeat-loop.js'),
      });
      expect(await run(file)).toEqual({ status: 'completed', warnings: [] });
    },
    SLOW,
  );

  it(
    'as CommonJS, which has no import.meta.url: the worker works, and says what it lacks',
    async () => {
      expect(await run(await bundle('cjs', 'cjs'))).toEqual(lacksThread);
    },
    SLOW,
  );
});

describe('field 17: the heartbeat of an application under jest --coverage', () => {
  it(
    'has its thread',
    async () => {
      await writeFile(
        path.join(compiled, 'app.test.js'),
        `import { runApp } from './test/field/17-app.js';
         test('app', async () => {
           expect(await runApp(${JSON.stringify(OPTIONS)})).toEqual({ status: 'completed', warnings: [] });
         }, 20_000);`,
      );
      const config = {
        rootDir: compiled,
        transform: {},
        testRegex: String.raw`app\.test\.js$`,
        collectCoverage: true,
        collectCoverageFrom: ['libs/kyu/src/store/*.js'],
        coverageReporters: ['json-summary'],
        coverageDirectory: path.join(folder, 'coverage'),
        watchman: false,
      };
      const { stderr } = await runNode(
        [
          '--experimental-vm-modules',
          'node_modules/jest/bin/jest.js',
          '--ci',
          '--config',
          JSON.stringify(config),
        ],
        SLOW,
      );
      expect(stderr).toMatch(/Tests:\s+1 passed/);
    },
    SLOW,
  );
});
