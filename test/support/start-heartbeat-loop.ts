import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { transformFileSync } from '@swc/core';

const ROOT = path.join(import.meta.dirname, '../..');
const SOURCE = path.join(ROOT, 'libs/kyu/src/store/heartbeat-loop.ts');
const FOLDER = path.join(ROOT, 'dist/heartbeat-loop');

/**
 * Jest's moduleNameMapper puts this in place of the library's start-heartbeat-loop.ts: Jest compiles modules in memory, and a thread needs JavaScript in a file. It lies
 * below dist, so that packages are found, under a name made of what is in it.
 */
function compiled(): string {
  const { code } = transformFileSync(SOURCE, {
    swcrc: false,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  });
  const hash = createHash('sha1').update(code).digest('hex').slice(0, 12);
  const file = path.join(FOLDER, `${hash}.js`);
  if (!existsSync(file)) {
    mkdirSync(FOLDER, { recursive: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, code);
    renameSync(fresh, file);
  }
  return file;
}

let file: string | undefined;

export const startHeartbeatLoop = (options: WorkerOptions): Worker =>
  new Worker((file ??= compiled()), options);
