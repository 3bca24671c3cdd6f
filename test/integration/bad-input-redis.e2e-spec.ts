import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { isolated, until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** A server that is no Redis, until the test is over. */
class FakeRedis {
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => {
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    this.treat(socket);
  });

  constructor(private readonly treat: (socket: Socket) => void) {}

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = this.server.address() as AddressInfo;
    return `redis://:s3cret@127.0.0.1:${port}`;
  }

  close(): Promise<unknown> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => {
      this.server.close(resolve);
    });
  }
}
const fakes: FakeRedis[] = [];
async function serve(treat: (socket: Socket) => void) {
  const fake = new FakeRedis(treat);
  fakes.push(fake);
  return { fake, url: await fake.listen() };
}
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()));
});

/** A boot that waits for Redis waits for ever; one that does not takes the time of the migrations, on a busy machine up to some seconds. */
const NOT_HELD_UP_MS = 10_000;

/** Boots with this Redis, which must not hold it up, and runs some jobs. */
async function startAndRun(url: string): Promise<TestKyu> {
  const begin = performance.now();
  const kyu = await startKyu({
    options: { redis: { url } },
    handlers: { double: (n: number) => n * 2 },
  });
  expect(performance.now() - begin).toBeLessThan(NOT_HELD_UP_MS);
  for (let n = 0; n < 5; n++) {
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('double', n);
    expect(await settled).toMatchObject({ id, status: 'completed' });
    expect((await kyu.queue.inspect(id)).result).toBe(n * 2);
  }
  return kyu;
}

const WARNING =
  /^Redis at [\w.-]+:\d+ cannot be used \(.+\); jobs are safe in PostgreSQL and are claimed from there until it can\.$/;

describe('a Redis that cannot be used never holds up the boot, and jobs run', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['closes each connection', (socket) => socket.destroy()],
    [
      'speaks another protocol',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ],
  ])('it %s: one warning, however often it is tried', async (_, treat) => {
    const { fake, url } = await serve(treat);
    const kyu = await startAndRun(url);
    await until('some more tries', () => fake.connections > 8);
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(WARNING),
    ]);
    expect(kyu.logger.messages('error')).toEqual([]);
    expect(inspect(kyu.logger.lines, { depth: null })).not.toContain('s3cret');
  });

  it('it does not listen', async () => {
    const { fake, url } = await serve(() => undefined);
    await fake.close();
    fakes.pop();
    const kyu = await startAndRun(url);
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(WARNING),
    ]);
    expect(kyu.logger.messages('warn')[0]).toContain('ECONNREFUSED');
    expect(kyu.logger.messages('warn')[0]).not.toContain('s3cret');
  });

  it('it is the PostgreSQL server: the URLs were mixed up', async () => {
    const { host } = new URL(POSTGRES_URL);
    const kyu = await startAndRun(`redis://:s3cret@${host}`);
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(WARNING),
    ]);
    expect(kyu.logger.messages('warn')[0]).not.toContain('s3cret');
  });

  it('it refuses the password', async () => {
    const admin = new Redis(REDIS_URL);
    const user = `kyu_test_${process.pid}`;
    try {
      await admin.call('ACL', 'SETUSER', user, 'on', '>r1ght', '~*', '+@all');
      const { host } = new URL(REDIS_URL);
      const kyu = await startAndRun(`redis://${user}:s3cret@${host}`);
      expect(kyu.logger.messages('warn')).toEqual([
        expect.stringMatching(WARNING),
      ]);
      expect(kyu.logger.messages('warn')[0]).toContain('WRONGPASS');
      expect(kyu.logger.messages('warn')[0]).not.toContain('s3cret');
    } finally {
      await admin.call('ACL', 'DELUSER', user);
      admin.disconnect();
    }
  });

  it('it holds something of somebody else under the name of the queue', async () => {
    const ground = isolated();
    const redis = new Redis(REDIS_URL);
    try {
      await redis.set(ground.queueName, 'mine');
      const producer = await startKyu({
        beside: ground,
        options: { mode: 'producer' },
      });
      const waiting = await producer.queue.enqueue('double', 1);
      const kyu = await startKyu({
        beside: ground,
        handlers: { double: (n: number) => n * 2 },
      });
      await until(
        'the job that waited to run',
        async () => (await kyu.queue.inspect(waiting)).status === 'completed',
      );
      expect(await redis.get(ground.queueName)).toBe('mine');
      expect(kyu.logger.messages('warn')).toEqual([
        expect.stringMatching(WARNING),
      ]);
      expect(kyu.logger.messages('warn')[0]).toContain('WRONGTYPE');
      expect(kyu.logger.messages('error')).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });

  it('it accepts and never answers', async () => {
    const { url } = await serve(() => undefined);
    const kyu = await startAndRun(url);
    await until('the warning', () => kyu.logger.messages('warn')[0]);
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(WARNING),
    ]);
  });

  it('it comes to life later: the same application uses it', async () => {
    let alive = false;
    const target = new URL(REDIS_URL);
    const { url } = await serve((socket) => {
      if (!alive) return void socket.destroy();
      const redis = connect(Number(target.port), target.hostname);
      redis.on('error', () => undefined);
      socket.on('close', () => redis.destroy());
      redis.on('close', () => socket.destroy());
      socket.pipe(redis).pipe(socket);
    });
    const kyu = await startAndRun(url.replace(':s3cret@', ''));
    alive = true;
    await until('the log to say so', () =>
      kyu.logger.messages('log').some((line) => line.endsWith(' is back.')),
    );
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('double', 21);
    expect(await settled).toMatchObject({ status: 'completed' });
    expect(kyu.logger.messages('warn')).toHaveLength(1);
  });
});
