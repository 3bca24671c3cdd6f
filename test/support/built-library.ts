import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Builds the library into a folder of the tests' own and returns its entry file: for child processes, which run JavaScript. */
export async function builtLibrary(): Promise<string> {
  await run(
    process.execPath,
    [
      'node_modules/typescript/bin/tsc',
      '--project',
      'libs/kyu/tsconfig.lib.json',
      '--outDir',
      'dist/test-lib',
      '--tsBuildInfoFile',
      'dist/test-lib/.tsbuildinfo',
      '--declaration',
      'false',
    ],
    { cwd: ROOT },
  );
  return `${ROOT}dist/test-lib/index.js`;
}

/** What a child process said and how long it lived. It is stopped when it does not end by itself in time. */
export async function runNode(
  args: readonly string[],
  timeoutMs = 20_000,
): Promise<{ stdout: string; stderr: string; ms: number }> {
  const start = performance.now();
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd: ROOT,
    timeout: timeoutMs,
  });
  return { stdout, stderr, ms: performance.now() - start };
}
