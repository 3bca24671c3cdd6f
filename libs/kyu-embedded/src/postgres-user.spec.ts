import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstClosedFolder } from './postgres-user.js';

describe('firstClosedFolder', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'kyu-user-'));
  const home = path.join(root, 'home');
  const file = path.join(home, 'project/bin/postgres');
  const stranger = { uid: 54_321, gid: 54_321 };

  beforeAll(() => {
    mkdirSync(path.dirname(file), { recursive: true });
    chmodSync(root, 0o755);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('names the folder that keeps others out', async () => {
    chmodSync(home, 0o700);
    expect(await firstClosedFolder(file, stranger)).toBe(home);
  });

  it('finds none on an open way, nor for the owner', async () => {
    const owner = { uid: process.getuid?.() ?? 0, gid: 54_321 };
    expect(await firstClosedFolder(file, owner)).toBeUndefined();
    chmodSync(home, 0o711);
    expect(await firstClosedFolder(file, stranger)).toBeUndefined();
  });
});
