import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A temporary folder for everything that a run of the suite writes. */
export class Workspace {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Workspace> {
    const folder = await mkdtemp(
      path.join(await realpath(tmpdir()), 'kyu-chaos-'),
    );
    // Root's postgres runs as another user, who has to get through to a folder that is his.
    if (process.getuid?.() === 0) await chmod(folder, 0o711);
    return new Workspace(folder);
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  async makeFolder(name: string): Promise<string> {
    const folder = this.path(name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
