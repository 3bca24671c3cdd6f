import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KyuModule, PostgresUnavailableError } from '@kyu/nestjs';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { RestartablePostgres } from '../support/restartable-postgres.js';

it('field 13: a replica is refused at boot', async () => {
  const server = await RestartablePostgres.start();
  try {
    const [row] = await runSql<{ folder: string }>(
      `SELECT current_setting('data_directory') AS folder`,
      [],
      server.url,
    );
    await server.crash();
    // With this file it starts as the replica of a primary that is not there.
    await writeFile(path.join(row!.folder, 'standby.signal'), '');
    await server.restart();
    const boot = bootApp({
      imports: [
        KyuModule.forRoot(
          newGround().options({ postgres: { url: server.url } }),
        ),
      ],
    });
    await expect(boot).rejects.toThrow(PostgresUnavailableError);
    await expect(boot).rejects.toThrow(
      'this server is a read-only replica: correct the URL, so that it leads to the primary.',
    );
  } finally {
    await server.stop();
  }
});
