import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');

export const exists = (path: string): boolean => existsSync(join(ROOT, path));
export const readText = (path: string): string =>
  readFileSync(join(ROOT, path), 'utf8');
export const readJson = <T>(path: string): T => JSON.parse(readText(path)) as T;
/** With the merge keys (`<<`) resolved, which YAML 1.2 leaves out and Compose knows. */
export const readYaml = <T>(path: string): T =>
  parse(readText(path), { merge: true }) as T;

export interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  command?: string[];
  container_name?: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
}
export interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

export const COMPOSE = readYaml<ComposeFile>('docker-compose.yml');

export function service(name: string): Service {
  const found = COMPOSE.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service "${name}"`);
  return found;
}

/** `source:target:mode` of the mounts of files, not of the named volumes. */
export function mounts(name: string): { source: string; target: string }[] {
  return (service(name).volumes ?? [])
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => {
      const [source = '', target = ''] = volume.split(':');
      return { source, target };
    });
}

/** Where a file of a container is in the repository; undefined when nothing mounts it. */
export function mountedFrom(name: string, path: string): string | undefined {
  const mount = mounts(name).find(
    ({ target }) => path === target || path.startsWith(`${target}/`),
  );
  return mount && mount.source + path.slice(mount.target.length);
}
