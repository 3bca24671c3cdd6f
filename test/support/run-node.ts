import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

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
