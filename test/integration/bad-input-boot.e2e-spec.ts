import { createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { startEmbeddedPostgres } from '@kyu/embedded';
import {
  InvalidJobError,
  InvalidOptionsError,
  JobHandler,
  KyuModule,
  migrateKyu,
  PostgresUnavailableError,
  type KyuError,
  type KyuOptions,
} from '@kyu/nestjs';
import { Injectable } from '@nestjs/common';
import { bootApp, newGround } from '../support/boot-app.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';

/** What the boot of an application with these options fails with. */
async function refusal(options: object): Promise<KyuError> {
  const boot = bootApp({ imports: [KyuModule.forRoot(options as KyuOptions)] });
  return boot.then(
    () => {
      throw new Error('The application started.');
    },
    (error: unknown) => error as KyuError,
  );
}
const refusalOf = (postgres: KyuOptions['postgres']): Promise<KyuError> =>
  refusal(newGround().options({ postgres }));

/** All that a log could show of an error. */
const everything = (error: Error): string =>
  error.message + error.stack + inspect(error, { depth: null });

/** A server that treats each connection like this, and is gone after the test. */
async function serve(treat: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    treat(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  });
  const { port } = server.address() as AddressInfo;
  return `postgres://ada:s3cret@127.0.0.1:${port}/jobs`;
}
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function closedPort(): Promise<string> {
  const url = await serve(() => undefined);
  await cleanups.pop()!();
  return url;
}

describe('wrong options refuse to boot', () => {
  it.each<[string, object, string]>([
    [
      'an unknown option',
      { worker: 3 },
      'unknown option "worker", did you mean "workers"?',
    ],
    [
      'negative workers',
      { workers: -3 },
      'expected "workers" to be an integer from 1 to 10000, got: -3',
    ],
    [
      'a queue name with odd characters',
      { queueName: 'mail queue;{x}' },
      'expected "queueName" to be a name of 1 to 100 letters, digits and : _ . -, got: "mail queue;{x}"',
    ],
    [
      'a text that is no URL',
      { postgres: { url: 'localhost 5432' } },
      'expected "postgres.url" to be a URL such as postgres://user:password@host:port, got: (not shown: it may hold a password)',
    ],
    [
      'a URL of another kind of server',
      { postgres: { url: 'mysql://ada:s3cret@localhost/db' } },
      'expected "postgres.url" to be a URL such as postgres://user:password@host:port, got: (not shown: it may hold a password)',
    ],
    [
      'a wrong URL of Redis',
      { redis: { url: 'http://:s3cret@localhost' } },
      'expected "redis.url" to be a URL such as redis://user:password@host:port',
    ],
  ])('%s', async (_, options, problem) => {
    const error = await refusal(options);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({
      code: 'KYU_INVALID_OPTIONS',
      message: `Kyu cannot start with these options:\n  - ${problem}`,
    });
    expect(everything(error)).not.toContain('s3cret');
  });

  it('several at once, in one error', async () => {
    const error = await refusal({ worker: 1, workers: 0, metricsPort: -1 });
    expect((error as InvalidOptionsError).problems).toHaveLength(3);
  });

  it('a job type of a decorator that is none', async () => {
    @Injectable()
    class Broken {
      @JobHandler('')
      run(): void {}
    }
    const boot = bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Broken],
    });
    await expect(boot).rejects.toThrow(InvalidJobError);
  });
});

describe('PostgreSQL that cannot be used', () => {
  it('does not listen', async () => {
    const url = await closedPort();
    const error = await refusalOf({ url });
    expect(error).toBeInstanceOf(PostgresUnavailableError);
    expect(error.code).toBe('KYU_POSTGRES_UNAVAILABLE');
    const { port } = new URL(url);
    expect(error.message).toBe(
      `Kyu cannot use PostgreSQL at 127.0.0.1:${port}/jobs: connect ECONNREFUSED 127.0.0.1:${port} (ECONNREFUSED): ` +
        'nothing listens there; start PostgreSQL or correct the URL.',
    );
    expect(everything(error)).not.toContain('s3cret');
  });

  it('has a host name that does not exist', async () => {
    const url = 'postgres://ada:s3cret@no-such-host.invalid/jobs';
    const error = await refusalOf({ url });
    expect(error.message).toMatch(
      /^Kyu cannot use PostgreSQL at no-such-host\.invalid:5432\/jobs: .*(no such host; correct the host name|check the host name)/,
    );
    expect(everything(error)).not.toContain('s3cret');
  });

  it('has another password, another user or no such database', async () => {
    const server = await startEmbeddedPostgres();
    try {
      const refused = async (change: (url: URL) => void): Promise<string> => {
        const url = new URL(server.url);
        change(url);
        for (const attempt of [
          refusalOf({ url: url.href }),
          migrateKyu({ url: url.href }).catch((e: unknown) => e as KyuError),
        ]) {
          const error = (await attempt) as KyuError;
          expect(error).toBeInstanceOf(PostgresUnavailableError);
          expect(everything(error)).not.toContain(url.password);
        }
        const { message } = await refusalOf({ url: url.href });
        return message.replace(url.host, 'HOST');
      };
      expect(await refused((url) => (url.password = 's3cret'))).toBe(
        'Kyu cannot use PostgreSQL at HOST/postgres: password authentication failed for user "postgres" (28P01): ' +
          'the password is wrong; correct user and password of the URL.',
      );
      expect(await refused((url) => (url.username = 'nobody'))).toContain(
        'correct user and password of the URL',
      );
      expect(await refused((url) => (url.pathname = '/nowhere'))).toBe(
        'Kyu cannot use PostgreSQL at HOST/nowhere: database "nowhere" does not exist (3D000): ' +
          'the database does not exist; create it or correct the URL.',
      );
    } finally {
      await server.stop();
    }
  });

  it.each<[string, (socket: Socket) => void]>([
    ['closes each connection', (socket) => socket.destroy()],
    ['resets each connection', (socket) => socket.resetAndDestroy()],
    [
      'speaks another protocol',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ],
    [
      'closes after the first bytes',
      (socket) => socket.once('data', () => socket.end()),
    ],
  ])('%s', async (_, treat) => {
    const url = await serve(treat);
    const error = await refusalOf({ url });
    expect(error).toBeInstanceOf(PostgresUnavailableError);
    expect(error.message).toContain(`at 127.0.0.1:${new URL(url).port}/jobs: `);
    expect(error.message).toMatch(
      /check postgres\.url|really a PostgreSQL port/,
    );
    expect(everything(error)).not.toContain('s3cret');
  });

  it('gives no answer: the boot ends after the 10 s of its connect timeout', async () => {
    const redis = `postgres://ada:s3cret@${new URL(REDIS_URL).host}/jobs`; // the URLs were mixed up
    const silent = await serve(() => undefined);
    const rubbish = await serve((socket) => socket.write('H'.repeat(99)));
    const start = performance.now();
    const errors = await Promise.all(
      [redis, silent, rubbish].map((url) => refusalOf({ url })),
    );
    expect(performance.now() - start).toBeLessThan(12_000);
    for (const error of errors) {
      expect(error).toBeInstanceOf(PostgresUnavailableError);
      expect(error.message).toContain(
        'no answer; check the host, the port and the firewall.',
      );
      expect(everything(error)).not.toContain('s3cret');
    }
  }, 20_000);

  it('is refused in time to try again: the next boot succeeds', async () => {
    const ground = newGround();
    await refusal(ground.options({ postgres: { url: await closedPort() } }));
    await bootApp({ imports: [KyuModule.forRoot(ground.options())] });
    expect(await ground.sql('SELECT id FROM jobs')).toEqual([]);
  });
});

describe('a password with an unescaped % refuses to boot, and says how to write it', () => {
  const broken = (url: string): string => {
    const changed = new URL(url);
    return `${changed.protocol}//ada:100%@${changed.host}/jobs`;
  };

  it('of PostgreSQL', async () => {
    const error = await refusalOf({ url: broken(POSTGRES_URL) });
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toContain('"postgres.url"');
    expect(error.message).toContain('write a % of the password as %25');
    expect(everything(error)).not.toContain('100%');
  });

  it('of Redis', async () => {
    const redis = { url: broken(REDIS_URL) };
    const error = await refusal(newGround().options({ redis }));
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toContain('"redis.url"');
    expect(error.message).toContain('write a % of the password as %25');
    expect(everything(error)).not.toContain('100%');
  });
});
