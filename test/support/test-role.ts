import { randomBytes } from 'node:crypto';
import { runSql } from './boot-app.js';
import { POSTGRES_URL } from './servers.js';

/**
 * A role of the test server that may make schemas; it goes after the test, with all that it owns.
 */
export interface TestRole {
  name: string;
  password: string;
  /** The test database, as this role. */
  url: string;
}

const roles: string[] = [];

/** @param settings of each of its sessions, by name: `ALTER ROLE … SET`. */
export async function newRole(
  settings: Record<string, string> = {},
): Promise<TestRole> {
  const name = `kyu_role_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(6).toString('hex');
  const database = new URL(POSTGRES_URL).pathname.slice(1);
  roles.push(name);
  await runSql(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  await runSql(`GRANT CREATE ON DATABASE "${database}" TO ${name}`);
  for (const [setting, value] of Object.entries(settings))
    await runSql(`ALTER ROLE ${name} SET ${setting} = ${value}`);
  const url = new URL(POSTGRES_URL);
  url.username = name;
  url.password = password;
  return { name, password, url: url.href };
}

afterAll(async () => {
  for (const name of roles.splice(0)) {
    await runSql(`DROP OWNED BY ${name} CASCADE`);
    await runSql(`DROP ROLE ${name}`);
  }
});
