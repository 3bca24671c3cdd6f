// `npm run bench`: installs what the bench needs (the peers, and the Node that runs them all), builds the library and the bench,
// and hands over to it. `--faults` or `--readme` as the first argument starts the program in that folder instead of src/main.ts.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(file, args, cwd) {
  const { status, signal, error } = spawnSync(file, args, {
    cwd,
    stdio: 'inherit',
  });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}

// What was installed is what the lock file says now, or it is installed again.
const lock = readFileSync(here('package-lock.json'), 'utf8');
const stamp = here('node_modules/.installed-lock.json');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('Installing the peers and their Node into apps/bench.');
  run(npm, ['install', '--no-audit', '--no-fund'], here('.'));
  writeFileSync(stamp, readFileSync(here('package-lock.json')));
}

run(npm, ['run', '--silent', 'build:libs'], here('../..'));
// As `npm install @kyu/nestjs` would: the built package, under its name.
mkdirSync(here('node_modules/@kyu'), { recursive: true });
for (const [name, folder] of [
  ['nestjs', 'kyu'],
  ['embedded', 'kyu-embedded'],
]) {
  const link = here(`node_modules/@kyu/${name}`);
  rmSync(link, { recursive: true, force: true });
  symlinkSync(here(`../../dist/libs/${folder}`), link, 'junction');
}
run(
  process.execPath,
  [
    here('../../node_modules/typescript/bin/tsc'),
    '-p',
    here('tsconfig.app.json'),
  ],
  here('.'),
);

const [first, ...rest] = process.argv.slice(2);
const folder = { '--faults': 'faults/', '--readme': 'readme/' }[first];
run(
  here('node_modules/node/bin/node'),
  [
    '--enable-source-maps',
    here(`dist/apps/bench/src/${folder ?? ''}main.js`),
    ...(folder ? rest : process.argv.slice(2)),
  ],
  here('../..'),
);
