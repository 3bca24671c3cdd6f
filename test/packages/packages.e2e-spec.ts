import {
  chmod,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as kyu from '@kyu/nestjs';
import { isolated } from '@kyu/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { brokenImports } from './imports.js';
import { installLines } from './install-lines.js';
import { brokenLinks } from './links.js';
import {
  LIBRARIES,
  NPM_NAMES,
  packLibraries,
  type Package,
} from './packages.js';
import { npm, run } from './run.js';

/** A build, an install and a compilation: seconds on a quiet machine with a warm npm cache, minutes without. */
const SLOW = 300_000;

const { schema, queueName } = isolated();
const names = { SCHEMA: schema, QUEUE: queueName };
const servers = { KYU_POSTGRES_URL: POSTGRES_URL, KYU_REDIS_URL: REDIS_URL };
const noServers = { KYU_POSTGRES_URL: '', KYU_REDIS_URL: '' };

let folder: string;
let app: string;
let packages: Package[];
let compilerSays: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kyu-packages-'));
  // An embedded PostgreSQL may run as another user, who has to reach its binaries in the application's node_modules.
  await chmod(folder, 0o755);
  app = join(folder, 'app');
  packages = await packLibraries(folder);
}, SLOW);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  await client.end();
  const redis = new Redis(REDIS_URL);
  for (const key of [queueName, `${queueName}-billing`])
    await redis.del(key, `{${key}}:clipped`);
  redis.disconnect();
});

describe.each(LIBRARIES.map((name, index) => ({ name, index })))(
  'the tarball of libs/$name',
  ({ index }) => {
    it('holds the built library and nothing else', async () => {
      const { files, manifest, read } = packages[index]!;
      const code = files.filter((file) => /\.(js|d\.ts)$/.test(file));
      const guides =
        manifest['name'] === '@kyu/nestjs'
          ? (await readdir('libs/kyu/docs')).map((guide) => `docs/${guide}`)
          : [];
      expect(files).toEqual(
        [...code, ...guides, 'LICENSE', 'README.md', 'package.json'].sort(),
      );
      expect(code).toEqual(
        expect.arrayContaining(['index.d.ts', 'index.js']) as string[],
      );
      expect(code.filter((file) => /\.spec\.|^src\//.test(file))).toEqual([]);
      expect(Object.keys(manifest['exports'] as object)).toEqual([
        '.',
        ...(manifest['name'] === '@kyu/nestjs'
          ? ['./terminus', './testing-internals']
          : []),
        './package.json',
      ]);
      // Source maps would lead to sources that are not there.
      for (const file of code)
        expect(await read(file)).not.toContain('sourceMappingURL');
    });

    it('imports only what it ships or asks for', async () => {
      expect(await brokenImports(packages[index]!)).toEqual([]);
    });

    it('has texts whose links lead to what it ships', async () => {
      expect(await brokenLinks(packages[index]!)).toEqual([]);
    });
  },
);

describe('a fresh Nest 12 application', () => {
  beforeAll(async () => {
    await cp(join(import.meta.dirname, 'consumer'), app, { recursive: true });
    for (const [i, { read }] of packages.entries())
      await writeFile(
        join(app, `src/readme-${i}.ts`),
        firstExample(await read('README.md')),
      );
    await install(app, await readFile('README.md', 'utf8'));
    const [, ...others] = packages.map(({ tarball }) => tarball);
    await npmInstall(app, ['--save-dev', ...others]);
    compilerSays = await run('node', ['node_modules/typescript/bin/tsc'], {
      cwd: app,
    }).catch((error: Error) => error.message);
  }, SLOW);

  it('has all peer dependencies after the install', async () => {
    // npm fails on any that is missing or of another version.
    const tree = await npm(['ls', '--all'], { cwd: app });
    expect(tree).toContain('@kyu/nestjs@');
  });

  it('type-checks with the examples of the READMEs, and with skipLibCheck false', () => {
    expect(compilerSays).toBe('');
  });

  it('runs a job and ends by itself', async () => {
    expect(await runApp('main.js', { ...names, ...servers })).toEqual({
      servers: expect.stringMatching(/^PostgreSQL at .*; Redis at /) as string,
      status: 'completed',
      result: 'Hello Ada, attempt 1!',
      sorry: 'Sorry: it was a misunderstanding',
      rolledBack: true,
      health: 'up',
      metrics: true,
    });
  });

  it('runs the example of @kyu/testing', async () => {
    const output = await runNode('readme-1.js', noServers);
    expect(output).toMatch(/^(#|ℹ) pass 1$/m);
  });

  it('has a suite that uses it, and ends by itself', async () => {
    const output = await runNode('greeting.test.js', noServers);
    expect(output).toMatch(/^(#|ℹ) pass 2$/m);
  });

  it('runs a job on embedded servers, too', async () => {
    expect(await runApp('main.js', { ...names, ...noServers })).toMatchObject({
      servers: expect.stringMatching(
        /^PostgreSQL 18\.\d+ \(embedded\)/,
      ) as string,
      status: 'completed',
    });
  });

  it('may be CommonJS', async () => {
    expect(await runApp('commonjs.cjs', { ...names, ...servers })).toEqual({
      names: [
        Object.keys(kyu).sort(),
        [
          'InjectKyuHealthIndicator',
          'KyuHealthIndicator',
          'kyuHealthIndicator',
        ],
        [
          'EnqueuedExpectationError',
          'KyuTestingModule',
          'drain',
          'expectEnqueued',
          'fakeJobContext',
          'faults',
          'isolated',
          'nextEvent',
          'perform',
          'until',
          'withKyuTesting',
        ],
        ['resolveServers', 'startEmbeddedPostgres', 'startEmbeddedRedis'],
      ],
      status: 'completed',
      result: 3,
    });
  });
});

describe('a fresh Nest 11 application, CommonJS, with TypeORM 0.3', () => {
  const env = { ...names, ...servers };
  let app11: string;
  let tscSays: string;

  beforeAll(async () => {
    app11 = join(folder, 'app-11');
    await cp(join(import.meta.dirname, 'consumer-nest-11'), app11, {
      recursive: true,
    });
    const guide = await packages[0]!.read('docs/nest-11-and-commonjs.md');
    await writeFile(
      join(app11, 'guide.jest.config.js'),
      firstExample(guide, 'js'),
    );
    await install(app11, guide);
    // For its test on servers, as testing.md says.
    await npmInstall(app11, ['--save-dev', packages[2]!.tarball]);
    tscSays = await run('node', ['node_modules/typescript/bin/tsc'], {
      cwd: app11,
    }).catch((error: Error) => error.message);
  }, SLOW);

  it('has all peer dependencies after the install, and one Nest', async () => {
    const tree = await npm(['ls', '--all'], { cwd: app11 });
    expect(tree).toContain('@kyu/nestjs@');
    expect(tree).not.toMatch(/@nestjs\/(core|common|typeorm|schedule)@12/);
    expect(tree).toMatch(/typeorm@0\.3/);
  });

  it('type-checks with TypeScript 5, and with skipLibCheck false', () => {
    expect(tscSays).toBe('');
  });

  it('runs the jobs of two queues through the pipeline, and ends by itself', async () => {
    const output = await run('node', ['dist/main.js'], {
      cwd: app11,
      env,
      timeoutMs: 25_000,
    });
    expect(JSON.parse(output)).toEqual({
      greeting: { status: 'completed', result: 'Hello ADA, attempt 1' },
      shipped: { status: 'completed', result: 'filter: no. 7' },
      paid: { status: 'completed', result: { paid: true } },
      unpaid: { status: 'dead', result: null },
      transfer: 'stays, of 1',
      farewell: 'Bye Ada, attempt 1',
      health: 'up',
      log: [
        'global interceptor: http',
        'kyu interceptor: greet',
        'global interceptor: http',
        'kyu interceptor: ship',
        'global interceptor: http',
        'guard: charge',
        'global interceptor: http',
        'guard: charge',
        'kyu interceptor: transfer',
      ],
      metrics: 'kyu_jobs_total{queue="billing"} 2',
      // The application's own, which Kyu neither doubles nor takes.
      schedule: { timeouts: 1, crons: ['yearly'] },
    });
  });

  it(
    'has a Jest suite that runs jobs, and ends by itself',
    async () => {
      const jest = ['node_modules/jest/bin/jest.js', '--ci'];
      await run('node', jest, { cwd: app11, env });
    },
    SLOW,
  );
});

/** Runs the `npm install` lines of a text in an application. */
async function install(cwd: string, guide: string): Promise<void> {
  const tarballOf = (name: string): string =>
    packages[NPM_NAMES.indexOf(name)]!.tarball;
  for (const names of installLines(guide, tarballOf))
    await npmInstall(cwd, names);
}

const npmInstall = (cwd: string, names: string[]): Promise<string> =>
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', ...names], {
    cwd,
    timeoutMs: SLOW,
  });

function firstExample(readme: string, language = 'ts'): string {
  const example = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``);
  const [, code] = example.exec(readme) ?? [];
  if (!code) throw new Error(`No example in\n${readme}`);
  return code;
}

/** Runs a compiled program under plain Node; it must end by itself, and well. */
const runNode = (program: string, env: Record<string, string>) =>
  run('node', [`dist/${program}`], { cwd: app, env, timeoutMs: 25_000 });

/** What the application printed, which must be this one line: a warning of Kyu at a normal start would be a fault. */
const runApp = async (
  program: string,
  env: Record<string, string>,
): Promise<unknown> => JSON.parse(await runNode(program, env));
