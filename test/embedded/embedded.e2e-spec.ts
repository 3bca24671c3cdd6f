import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import {
  resolveServers,
  startEmbeddedPostgres,
  startEmbeddedRedis,
} from '@kyu/embedded';
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  expectNothingLeft,
  privateTmp,
  processes,
  Program,
  until,
} from './program.js';

const folders: string[] = [];
const outside = { ...process.env };

beforeEach(() => {
  // Every test is about the servers that it starts itself.
  for (const name of ['POSTGRES_URL', 'REDIS_URL', 'EMBEDDED_REDIS'])
    delete process.env[`KYU_${name}`];
  process.env['TMPDIR'] = privateTmp();
  folders.push(process.env['TMPDIR']);
});

afterEach(() => {
  process.env = { ...outside };
  for (const folder of folders.splice(0))
    rmSync(folder, { recursive: true, force: true });
});

describe('embedded servers', () => {
  it('start a PostgreSQL that answers, with durability off and commits as in production', async () => {
    const server = await startEmbeddedPostgres({
      settings: { work_mem: '8MB' },
    });
    try {
      const settings = await query(
        server.url,
        `select name, setting from pg_settings where name in
         ('fsync', 'synchronous_commit', 'max_connections', 'listen_addresses', 'server_encoding', 'work_mem')
         order by name`,
      );
      expect(settings).toEqual([
        { name: 'fsync', setting: 'off' },
        { name: 'listen_addresses', setting: '127.0.0.1' },
        { name: 'max_connections', setting: '200' },
        { name: 'server_encoding', setting: 'UTF8' },
        { name: 'synchronous_commit', setting: 'on' },
        { name: 'work_mem', setting: '8192' },
      ]);
      expect(server.description).toMatch(/^PostgreSQL 18\.\d+ \(embedded\)$/);
    } finally {
      await server.stop();
    }
    await expectNothingLeft(process.env['TMPDIR']!, undefined, [server.url]);
  });

  it('start Valkey in WebAssembly, which answers at once', async () => {
    const server = await startEmbeddedRedis({ engine: 'wasm' });
    try {
      expect(server.description).toMatch(/^Valkey 9\..* WebAssembly\)$/);
      await withRedis(server.url, async (redis) => {
        const start = performance.now();
        for (let i = 0; i < 20; i++) await redis.set('n', i);
        expect(await redis.get('n')).toBe('19');
        // A round trip took 100 ms without the second step() (see wasm-valkey-process.ts).
        expect(performance.now() - start).toBeLessThan(1000);
        expect(await redis.eval('return {1, ARGV[1]}', 0, 'x')).toEqual([
          1,
          'x',
        ]);
      });
    } finally {
      await server.stop();
    }
    await expectNothingLeft(process.env['TMPDIR']!, undefined, [server.url]);
  });

  it('stop one by one', async () => {
    const [one, other] = await Promise.all([
      startEmbeddedRedis(),
      startEmbeddedRedis(),
    ]);
    await Promise.all([one.stop(), one.stop()]);
    await withRedis(other.url, async (redis) =>
      expect(await redis.ping()).toBe('PONG'),
    );
    await other.stop();
    await expectNothingLeft(process.env['TMPDIR']!, undefined, [
      one.url,
      other.url,
    ]);
  });

  it('are left alone by resolveServers() if the environment names them', async () => {
    const redis = await startEmbeddedRedis();
    process.env['KYU_REDIS_URL'] = redis.url;
    process.env['KYU_POSTGRES_URL'] = 'postgres://me:secret@db.example/jobs';
    const servers = await resolveServers();
    await servers.stop();
    expect(servers.redisUrl).toBe(redis.url);
    expect(servers.description).toContain('db.example/jobs');
    expect(servers.description).not.toContain('secret');
    await withRedis(redis.url, async (client) =>
      expect(await client.ping()).toBe('PONG'),
    );
    await redis.stop();
  });
});

describe('embedded servers that cannot start', () => {
  it('say what the server said, and leave nothing', async () => {
    await expect(
      startEmbeddedPostgres({ settings: { no_such_setting: '1' } }),
    ).rejects.toThrow(/no_such_setting/);
    await expectNothingLeft(process.env['TMPDIR']!);
  });

  it.each([
    ['PostgreSQL', (port: number) => startEmbeddedPostgres({ port })],
    ['Redis', (port: number) => startEmbeddedRedis({ port })],
    ['Valkey', (port: number) => startEmbeddedRedis({ port, engine: 'wasm' })],
  ])('%s says that the port is taken', async (_, start) => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, '127.0.0.1', done));
    const { port } = holder.address() as AddressInfo;
    try {
      await expect(start(port)).rejects.toThrow(/Leave out "port"/);
    } finally {
      await new Promise((done) => holder.close(done));
    }
    await expectNothingLeft(process.env['TMPDIR']!);
  });

  it('stop the one that did start', async () => {
    process.env['KYU_EMBEDDED_REDIS'] = 'docker';
    await expect(resolveServers()).rejects.toThrow(
      /^expected "KYU_EMBEDDED_REDIS" to be "native" .* got: "docker"/,
    );
    await expectNothingLeft(process.env['TMPDIR']!);
  });

  it('are not started in place of a server that the environment names wrongly', async () => {
    process.env['KYU_POSTGRES_URL'] = 'db.example';
    await expect(resolveServers()).rejects.toThrow(
      /^expected "KYU_POSTGRES_URL" to be like postgres:/,
    );
  });
});

describe.each([{ engine: 'wasm' }, { engine: undefined }])(
  'nothing is left (Redis engine: $engine)',
  ({ engine }) => {
    it.each([
      ['after stop()', 'stop', 0],
      ['if the program forgets stop()', 'forget', 0],
      ['if the program throws', 'throw', 1],
      ['if the program calls process.exit()', 'exit', 3],
    ])('%s', async (_, ending, code) => {
      const { program, keeper, urls } = await start(ending);
      expect(await program.ended()).toBe(code);
      await expectNothingLeft(program.tmp, keeper, urls);
    });

    it('if the program is killed', async () => {
      const { program, keeper, urls } = await start('hang');
      program.kill('SIGKILL');
      expect(await program.ended()).toBe('SIGKILL');
      await expectNothingLeft(program.tmp, keeper, urls);
    });

    it('if Ctrl-C ends the program', async () => {
      const { program, keeper, urls } = await start('hang');
      program.ctrlC();
      expect(await program.ended()).toBe('SIGINT');
      await expectNothingLeft(program.tmp, keeper, urls);
    });

    it('if Ctrl-C lets the program drain, which still has its servers then', async () => {
      const { program, keeper, urls } = await start('drain');
      program.ctrlC();
      expect(await program.ended()).toBe(0);
      await until('it says so', () => program.lines.includes('drained'));
      await expectNothingLeft(program.tmp, keeper, urls);
    });

    it('if the program is killed while they start', async () => {
      const program = run('hang');
      const keeper = await program.keeper();
      await until('it starts the servers', async () =>
        (await processes()).some((p) => p.parent === keeper),
      );
      program.kill('SIGKILL');
      await program.ended();
      expect(program.lines).toEqual([]);
      await expectNothingLeft(program.tmp, keeper);
    });

    function run(ending: string): Program {
      const program = Program.run(ending, { KYU_EMBEDDED_REDIS: engine });
      folders.push(program.tmp);
      return program;
    }

    async function start(ending: string): Promise<{
      program: Program;
      keeper: number;
      urls: string[];
    }> {
      const program = run(ending);
      const keeper = await program.keeper();
      const { postgresUrl, redisUrl } = await program.servers();
      return { program, keeper, urls: [postgresUrl, redisUrl] };
    }
  },
);

describe('the keeper', () => {
  it('has the servers in its process group, apart from the program, and ignores signals', async () => {
    const program = Program.run('hang');
    folders.push(program.tmp);
    const keeper = await program.keeper();
    const { postgresUrl } = await program.servers();
    const group = (await processes()).filter((p) => p.group === keeper);
    expect(group.map((p) => p.id)).toContain(keeper);
    expect(group.length).toBeGreaterThanOrEqual(3);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.kill(keeper, signal);
    expect(await query(postgresUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    program.kill('SIGTERM');
    await expectNothingLeft(program.tmp, keeper);
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function withRedis(
  url: string,
  use: (redis: Redis) => Promise<void>,
): Promise<void> {
  const redis = new Redis(url);
  try {
    await use(redis);
  } finally {
    redis.disconnect();
  }
}
