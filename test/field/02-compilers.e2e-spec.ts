import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isolated } from '@kyu/testing';
import { Redis } from 'ioredis';
import { npm, run } from '../packages/run.js';
import { runSql } from '../support/boot-app.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';

/** An install at the first run, and a build of the library: half a minute where it takes long. */
const SLOW = 300_000;
const ROOT = process.cwd();
const COMPILERS = join(ROOT, 'test/packages/compilers');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** Below the compilers, and below the workspace: packages are found in both. */
const place = join(COMPILERS, 'dist', isolated().schema);

const doc = (name: string): Promise<string> =>
  readFile(join(ROOT, name), 'utf8');

/** The first block of a language in a text that holds some words. */
function block(text: string, language: string, words = ''): string {
  const blocks = [
    ...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')),
  ].map(([, code]) => code!);
  const found = blocks.find((code) => code.includes(words));
  if (found === undefined) throw new Error(`No example with ${words}`);
  return found;
}

/** A folder with the examples of README and guides as they are, and the settings of the guide on compilers. */
async function newProject(name: string): Promise<string> {
  const folder = join(place, name);
  await mkdir(folder);
  const guide = await doc('libs/kyu/docs/compilers.md');
  const pipeline = await doc('libs/kyu/docs/pipeline.md');
  const files = {
    'tour.ts': block(await doc('README.md'), 'ts', 'SignupController'),
    'pipeline.ts': block(pipeline, 'ts', 'InvoiceJobs'),
    'validation.ts': block(pipeline, 'ts', 'WelcomeJobs'),
    'typed.ts': block(
      await doc('libs/kyu/docs/typed-jobs.md'),
      'ts',
      'InvitationJobs',
    ),
    'explicit.ts': block(guide, 'ts'),
    'tsconfig.json': block(guide, 'json', 'emitDecoratorMetadata'),
    '.swcrc': block(guide, 'json', 'legacyDecorator'),
    'babel.config.json': block(guide, 'json', 'presets'),
  };
  for (const [file, text] of Object.entries(files))
    await writeFile(join(folder, file), text);
  for (const file of ['main.mjs', 'jobs.test.mjs', 'run-jobs.mjs'])
    await cp(join(COMPILERS, file), join(folder, file));
  return folder;
}

const grounds: ReturnType<typeof isolated>[] = [];

function newEnvironment(): Record<string, string> {
  const ground = isolated();
  grounds.push(ground);
  return {
    KYU_POSTGRES_URL: POSTGRES_URL,
    KYU_REDIS_URL: REDIS_URL,
    SCHEMA: ground.schema,
    QUEUE: ground.queueName,
    // Jest's own: Vitest would take itself for a part of it.
    JEST_WORKER_ID: '',
    NODE_ENV: '',
    NODE_OPTIONS: '',
    NO_COLOR: '1',
  };
}

/** What becomes of the jobs of the examples. */
const EXPECTED = {
  signup: [[{ to: 'ada@example.com', subject: 'Welcome' }, true]],
  invoice: 'acme owes 7',
  noInvoice: 'dead: A pipe refused the payload: cents must be an integer',
  closed: 'failed: Forbidden resource',
  welcome: 'ada@example.com',
  noWelcome: 'dead: A pipe refused the payload: to must be an email',
  invitation: '2 for ada@example.com',
  invite: 'invite_friend: a@example.com',
  noInvite: 'dead: A pipe refused the payload: to must be an email',
  waits: 20,
  warnings: [],
};

const SAID_NOTHING = { ...EXPECTED, said: '' };

/** Without metadata nothing is injected by its type, and ValidationPipe has no class to check against. */
const WITHOUT_METADATA = {
  ...EXPECTED,
  signup: expect.stringContaining('undefined') as string,
  noWelcome: 'nobody',
  warnings: [
    expect.stringMatching(
      /^WelcomeJobs\.send: ValidationPipe does not check the payload/,
    ) as string,
  ],
  said: expect.stringMatching(
    /WARN .*The SignupController has no decorator metadata/,
  ) as string,
};

beforeAll(async () => {
  const missing = await stat(join(COMPILERS, 'node_modules/vitest')).then(
    () => false,
    () => true,
  );
  if (missing)
    await npm(
      ['install', '--prefer-offline', '--no-audit', '--no-fund'].concat(
        '--no-package-lock',
      ),
      { cwd: COMPILERS, timeoutMs: SLOW },
    );
  const library = join(place, 'node_modules/@kyu/nestjs');
  await mkdir(library, { recursive: true });
  await run(
    'node',
    [TSC, '-p', 'libs/kyu/tsconfig.lib.json', '--outDir', library].concat([
      '--incremental',
      'false',
      '--tsBuildInfoFile',
      'null',
    ]),
    { cwd: ROOT },
  );
  await cp('libs/kyu/package.json', join(library, 'package.json'));
}, SLOW);

afterAll(async () => {
  await rm(place, { recursive: true, force: true });
  const redis = new Redis(REDIS_URL);
  for (const { schema, queueName } of grounds) {
    await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    await redis.del(queueName, `{${queueName}}:clipped`);
  }
  redis.disconnect();
});

/** What became of the jobs, and what Node and Nest said before that. */
async function outcomes(folder: string): Promise<object> {
  const options = { cwd: folder, env: newEnvironment(), timeoutMs: 60_000 };
  // The shell joins both streams.
  const output = await run('sh', ['-c', 'node main.mjs 2>&1'], options);
  const lines = output.trimEnd().split('\n');
  const result = JSON.parse(lines.pop()!) as object;
  return { ...result, said: lines.join('\n') };
}

describe('field 02: the examples of README and guides', () => {
  it(
    'compiled by tsc',
    async () => {
      const folder = await newProject('tsc');
      await run('node', [TSC, '-p', folder], { cwd: folder });
      expect(await outcomes(folder)).toEqual(SAID_NOTHING);
    },
    SLOW,
  );

  it.each([
    ['swc', SAID_NOTHING],
    ['babel', SAID_NOTHING],
    ['esbuild', WITHOUT_METADATA],
  ])(
    'compiled by %s',
    async (compiler, expected) => {
      const folder = await newProject(compiler);
      const args = ['compile.mjs', compiler, folder];
      await run('node', args, { cwd: COMPILERS });
      expect(await outcomes(folder)).toEqual(expected);
    },
    SLOW,
  );

  it.each([
    ['as it is', undefined],
    ['with unplugin-swc', 'unplugin-swc'],
  ])(
    'in Vitest %s',
    async (_, plugin) => {
      const folder = await newProject(plugin ?? 'vitest');
      const guide = await doc('libs/kyu/docs/compilers.md');
      await writeFile(
        join(folder, 'vitest.config.mjs'),
        plugin
          ? block(guide, 'js', plugin)
          : 'export default { test: { globals: true } };',
      );
      const vitest = join(COMPILERS, 'node_modules/vitest/vitest.mjs');
      const output = await run('node', [vitest, 'run'], {
        cwd: folder,
        env: { ...newEnvironment(), EXPECTED: JSON.stringify(EXPECTED) },
      });
      expect(output).toContain('1 passed');
    },
    SLOW,
  );
});
