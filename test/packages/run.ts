import { execFile } from 'node:child_process';

export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

/** Runs a program to its end and gives its stdout. One that fails, or does not end by itself in time, rejects with all that it said. */
export function run(
  command: string,
  args: string[],
  { cwd, env, timeoutMs = 120_000 }: RunOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: timeoutMs },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const end = error.killed
          ? `had not ended after ${timeoutMs} ms`
          : `ended with ${error.code}`;
        reject(
          new Error(
            `${command} ${args.join(' ')} ${end}\n${stdout}\n${stderr}`,
            { cause: error },
          ),
        );
      },
    );
  });
}

/** npm, always with its warnings and errors: `npm --silent test` would hand its silence down by the environment. */
export const npm = (args: string[], options: RunOptions): Promise<string> =>
  run('npm', [...args, '--loglevel=warn'], options);
