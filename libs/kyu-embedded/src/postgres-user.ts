import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from './message-of.js';

const run = promisify(execFile);
const NAME = 'postgres';

export interface PostgresUser {
  uid: number;
  gid: number;
}

/**
 * Whom postgres runs as: it refuses to be root. Not root: nobody else (undefined). Root: the user `postgres`,
 * which is made if the machine has none, as is usual in containers.
 */
export async function postgresUser(): Promise<PostgresUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  return (await lookUp()) ?? (await create());
}

async function lookUp(): Promise<PostgresUser | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) =>
        Number.parseInt((await run('id', [flag, NAME])).stdout, 10),
      ),
    );
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}

async function create(): Promise<PostgresUser> {
  try {
    await run('useradd', ['--system', '--user-group', NAME]);
  } catch (cause) {
    // Two programs may have tried at once: then the other one's user does.
    const user = await lookUp();
    if (user) return user;
    throw new Error(
      `PostgreSQL does not run as root, and a user "${NAME}" cannot be made (${messageOf(cause)}). ` +
        `Make one (useradd --system ${NAME}), or run this program as another user.`,
      { cause },
    );
  }
  const user = await lookUp();
  if (!user) throw new Error(`The user "${NAME}" was made but is not found.`);
  return user;
}

/** The first folder on the way to `file` that the user may not pass, as far as mode bits tell (not ACLs). */
export async function firstClosedFolder(
  file: string,
  user: PostgresUser,
): Promise<string | undefined> {
  const folders: string[] = [];
  for (let at = path.dirname(file); !folders.includes(at);) {
    folders.unshift(at);
    at = path.dirname(at);
  }
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & 0o1) === 0) return folder;
  }
  return undefined;
}
