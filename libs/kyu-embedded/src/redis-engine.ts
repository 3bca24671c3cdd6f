import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

export type RedisEngine = 'native' | 'wasm';

const VARIABLE = 'KYU_EMBEDDED_REDIS';

/**
 * Which Redis: `wanted`, else what KYU_EMBEDDED_REDIS says, else the redis-server on the PATH (it is the faster
 * one), else Valkey in WebAssembly (it runs anywhere). Returns the path of the binary, or undefined for WebAssembly.
 */
export function redisBinary(
  wanted: RedisEngine | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const engine =
    wanted !== undefined
      ? checked('engine', wanted)
      : env[VARIABLE]
        ? checked(VARIABLE, env[VARIABLE])
        : undefined;
  if (engine === 'wasm') return undefined;
  const binary = findOnPath('redis-server', env['PATH'] ?? '');
  if (binary === undefined && engine === 'native')
    throw new Error(
      'There is no redis-server on the PATH. Install Redis, or take the one in WebAssembly: ' +
        `engine: 'wasm' or ${VARIABLE}=wasm.`,
    );
  return binary;
}

function checked(name: string, value: string): RedisEngine {
  if (value === 'native' || value === 'wasm') return value;
  throw new Error(
    `expected "${name}" to be "native" (the redis-server on the PATH) or "wasm" (Valkey in WebAssembly), got: "${value}"`,
  );
}

function findOnPath(name: string, folders: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return folders
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, file))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
