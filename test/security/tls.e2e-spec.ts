import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { KyuModule, type KyuOptions } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';

/**
 * TLS to both servers, ended by a front of our own before the test servers: so it is tested whatever the installed servers were built with.
 */

let folder: string;
let key: string;
let ca: string;
const servers: Server[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kyu-tls-'));
  const file = (name: string): string => path.join(folder, name);
  // Fails loudly where there is no openssl: then nothing here is proved.
  execFileSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kyu -addext subjectAltName=IP:127.0.0.1 -keyout ${file('key')} -out ${file('cert')}`.split(
      ' ',
    ),
    { stdio: 'pipe' },
  );
  key = readFileSync(file('key'), 'utf8');
  ca = readFileSync(file('cert'), 'utf8');
});
afterAll(async () => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function listen(server: Server, target: string): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return url.href;
}

const to = (url: string) => {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => undefined);
};

/** Speaks PostgreSQL's SSLRequest, then TLS, then passes on. */
const tlsPostgres = (): Promise<string> =>
  listen(
    createServer((plain) => {
      plain.on('error', () => undefined);
      plain.once('data', () => {
        const tls = new TLSSocket(plain, { isServer: true, key, cert: ca });
        const server = to(POSTGRES_URL);
        tls.on('error', () => server.destroy());
        tls.pipe(server).pipe(tls);
        tls.on('close', () => server.destroy());
        server.on('close', () => tls.destroy());
        plain.write('S');
      });
    }),
    POSTGRES_URL,
  );

const tlsRedis = async (): Promise<string> => {
  const url = await listen(
    createTlsServer({ key, cert: ca }, (tls) => {
      const server = to(REDIS_URL);
      tls.on('error', () => server.destroy());
      tls.pipe(server).pipe(tls);
      tls.on('close', () => server.destroy());
      server.on('close', () => tls.destroy());
    }),
    REDIS_URL,
  );
  return url.replace('redis://', 'rediss://');
};

async function boot(options: KyuOptions) {
  const ground = newGround();
  const app = await bootApp(
    { imports: [KyuModule.forRoot(ground.options(options))] },
    () => undefined,
  );
  return { ground, app };
}

describe('PostgreSQL', () => {
  it('with a certificate that nobody vouches for is refused by ssl: true', async () => {
    const url = await tlsPostgres();
    await expect(boot({ postgres: { url, ssl: true } })).rejects.toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('self-signed certificate'),
    });
  });

  it('is accepted with its CA, by the pool and by the heartbeat', async () => {
    const url = await tlsPostgres();
    const { app, ground } = await boot({
      postgres: { url, ssl: { ca } },
      heartbeatInterval: 250,
      heartbeatTimeout: 8_000,
    });
    await expectHeartbeats(ground);
    await app.close();
  });

  it('may be checked by a function, too: node-postgres takes one', async () => {
    const url = await tlsPostgres();
    const { app, ground } = await boot({
      postgres: { url, ssl: { ca, checkServerIdentity: () => undefined } },
      heartbeatInterval: 250,
      heartbeatTimeout: 8_000,
    });
    // A function cannot be given to the thread of the heartbeat.
    await expectHeartbeats(ground, [expect.stringContaining('main thread')]);
    await app.close();
  });
});

async function expectHeartbeats(
  ground: ReturnType<typeof newGround>,
  warnings: unknown[] = [],
): Promise<void> {
  await until('a heartbeat after the first', async () => {
    const rows = await ground.sql(
      `SELECT FROM workers WHERE heartbeat_at > started_at`,
    );
    return rows.length;
  });
  expect(ground.logger.messages('warn')).toEqual(warnings);
}

describe('Redis', () => {
  const warningsWith = async (
    redis: KyuOptions['redis'] & object,
  ): Promise<string> => {
    const { app, ground } = await boot({ redis });
    await app.close();
    return ground.logger.messages('warn').join();
  };

  it('with a certificate that nobody vouches for is refused', async () => {
    expect(await warningsWith({ url: await tlsRedis() })).toContain(
      'self-signed certificate',
    );
  });

  it('is accepted with its CA', async () => {
    expect(await warningsWith({ url: await tlsRedis(), tls: { ca } })).toBe('');
  });
});
