import { ConsoleLogger, Injectable, Module } from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  getQueueToken,
  JobHandler,
  JobLogger,
  KyuModule,
  type QueueService,
} from '@kyu/nestjs';
import { isolated, until } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const texts = (kyu: TestKyu): string[] =>
  kyu.logger.lines.map(({ level, message }) => `${level}: ${message}`);

const failing = (): never => {
  throw new Error('no such user\nat line 7', {
    cause: new Error('connect ECONNREFUSED 10.0.0.7:5432'),
  });
};

describe('field 22: what is logged of jobs', () => {
  it('is a warning for each failed run and an error for each death, with what it concerns', async () => {
    const kyu = await startKyu({
      handlers: { send: failing },
      options: { backoff: { base: '20ms', jitter: false } },
    });
    const died = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'dead',
    );
    const id = await kyu.queue.enqueue(
      'send',
      { to: 'PAYLOAD' },
      { maxRetries: 1 },
    );
    await died;
    const why = 'no such user; Caused by: connect ECONNREFUSED 10.0.0.7:5432';
    expect(texts(kyu).slice(1)).toEqual([
      `warn: Job ${id} (send) of ${kyu.queueName} failed (attempt 1 of 2, again in 20 ms): ${why}`,
      `error: Job ${id} (send) of ${kyu.queueName} is dead (attempt 2 of 2): ${why}`,
    ]);
  });

  it('is at most ten lines a minute for each type, then their number', async () => {
    let runs = 0;
    const fails = (): never => {
      runs++;
      throw new Error('no');
    };
    const kyu = await startKyu({ handlers: { a: fails, b: fails } });
    const jobs = Array.from({ length: 60 }, (_, i) => ({
      type: i % 3 === 0 ? 'a' : 'b',
      payload: null,
      maxRetries: 0,
    }));
    await kyu.queue.enqueueMany(jobs);
    await until('all to run', () => runs === 60);
    await kyu.close();
    const lines = texts(kyu).filter((line) => !line.startsWith('log:'));
    const of = (type: string): string[] =>
      lines.filter((line) => line.includes(`(${type})`));
    expect([of('a').length, of('b').length]).toEqual([10, 10]);
    const leftOut = lines.filter((line) => line.includes('were left out'));
    expect(leftOut.sort()).toEqual([
      'error: 10 more lines about jobs of type a were left out, as 10 a minute are written: 10 deaths.',
      'error: 30 more lines about jobs of type b were left out, as 10 a minute are written: 30 deaths.',
    ]);
    expect(lines).toHaveLength(22);
  });

  it('has room for a death after many results that are not kept', async () => {
    const kyu = await startKyu({
      handlers: {
        a: (fails: boolean) => {
          if (fails) throw new Error('no');
          return [undefined];
        },
      },
    });
    const died = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'dead',
    );
    await kyu.queue.enqueueMany(
      Array.from({ length: 12 }, (_, i) => ({
        type: 'a',
        payload: i === 11,
        maxRetries: 0,
      })),
    );
    await died;
    expect(texts(kyu).filter((line) => line.includes('is dead'))).toHaveLength(
      1,
    );
  });

  it('begins with one line about the process', async () => {
    const kyu = await startKyu({ handlers: { a: failing, b: failing } });
    expect(texts(kyu)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^log: Kyu [\\d.]+ is ready: mode both, queue ${kyu.queueName}, 5 slots, 2 handlers; ` +
            `PostgreSQL at [^;@]+, schema ${kyu.schema}; Redis at [^;@]+\\.$`,
        ),
      ) as string,
    ]);
  });
});

describe('field 22: Kyu’s own lines', () => {
  const written = async (work: () => Promise<unknown>): Promise<string[]> => {
    const lines: string[] = [];
    const write = jest
      .spyOn(process.stdout, 'write')
      .mockImplementation((line) => lines.push(String(line)) > 0);
    const alsoWrite = jest
      .spyOn(process.stderr, 'write')
      .mockImplementation((line) => lines.push(String(line)) > 0);
    try {
      await work();
    } finally {
      write.mockRestore();
      alsoWrite.mockRestore();
    }
    return lines;
  };

  it('never carry a job’s prefix, whatever they come up in', async () => {
    const logger = new JobLogger('App', { json: true });
    const lines = await written(async () => {
      const kyu = await startKyu({
        handlers: {
          parent: async () => {
            logger.log('by the handler');
            await kyu.queue.enqueue('child', null);
            const later = new Date(Date.now() + 60_000);
            const id = await kyu.queue.enqueue('child', null, {
              scheduledAt: later,
            });
            await kyu.queue.cancelJob(id);
          },
          child: failing,
        },
        options: { logger, currentJob: true },
      });
      kyu.events.on('job.cancelled', () => {
        throw new Error('a listener');
      });
      const failed = kyu.nextEvent(
        'job.settled',
        (event) => event.jobType === 'child',
      );
      await runJob(kyu.app, 'parent');
      await failed;
      await kyu.close();
    });
    const records = lines.map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    const find = (text: string): Record<string, unknown> | undefined =>
      records.find(({ message }) => String(message).includes(text));
    expect(find('by the handler')).toHaveProperty('job');
    for (const text of ['a listener', '(child)', 'is ready']) {
      expect(find(text)).toBeDefined();
      expect(find(text)).not.toHaveProperty('job');
    }
  });

  it('go to Nest’s logger, as lines of JSON too, and name their registration', async () => {
    const { schema, queueName } = isolated();
    @Injectable()
    class Jobs {
      @JobHandler('charge', { queue: 'billing', maxRetries: 0 })
      charge(): never {
        throw new Error('no money');
      }
    }
    const options = {
      postgres: { url: POSTGRES_URL, schema },
      redis: { url: REDIS_URL },
      metricsPort: 0,
    };
    @Module({
      imports: [
        KyuModule.forRoot({ ...options, queueName, mode: 'producer' }),
        KyuModule.forRoot({
          ...options,
          name: 'billing',
          queueName: `${queueName}:b`,
        }),
      ],
      providers: [Jobs],
    })
    class App {}
    const lines = await written(async () => {
      const module = await Test.createTestingModule({
        imports: [App],
      }).compile();
      const app = module.createNestApplication({
        logger: new ConsoleLogger({ json: true }),
      });
      app.useLogger(new ConsoleLogger({ json: true }));
      await app.init();
      const billing = app.get<QueueService>(getQueueToken('billing'));
      const died = new Promise((resolve) =>
        billing.events.on('job.settled', resolve),
      );
      await billing.enqueue('charge', null);
      await died;
      await app.close();
    });
    const records = lines.map(
      (line) => JSON.parse(line) as Record<string, string>,
    );
    const own = records.filter(({ context }) => context === 'Kyu');
    expect(own.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      expect.stringMatching(/^log: (\[billing\] )?Kyu .* is ready/) as string,
      expect.stringMatching(/^log: (\[billing\] )?Kyu .* is ready/) as string,
      expect.stringMatching(
        /^error: \[billing\] Job \S+ \(charge\) of \S+:b is dead \(attempt 1 of 1\): no money$/,
      ) as string,
    ]);
  });
});
