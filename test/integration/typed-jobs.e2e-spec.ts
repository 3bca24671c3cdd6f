import { UseInterceptors, type NestInterceptor } from '@nestjs/common';
import {
  defineJob,
  InvalidJobError,
  JobHandler,
  KyuExecutionContext,
  type Job,
  type JobContext,
  type StandardSchema,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { IsEmail } from 'class-validator';
import { z } from 'zod';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

class Welcome {
  @IsEmail()
  to: string;
  greeting(): string {
    return `Hello ${this.to}`;
  }
}
const ByClass = defineJob('welcome', { schema: Welcome });

/** The row after the end of the first run of the job that `enqueue` makes. */
async function afterRun(
  kyu: TestKyu,
  enqueue: () => Promise<string>,
): Promise<Job> {
  const settled = kyu.nextEvent('job.settled'); // the only job
  const id = await enqueue();
  await settled;
  return kyu.queue.inspect(id);
}

const SendEmail = defineJob('send_email', {
  schema: z.object({
    to: z.email(),
    at: z.coerce.date(),
    copies: z.number().default(1),
  }),
  priority: 3,
  maxRetries: 7,
  timeout: '2s',
});
const RIGHT = { to: 'ada@example.com', at: '2030-01-01T00:00:00Z' };

describe('a definition', () => {
  it('names the job and brings its defaults, behind those of handler and call', async () => {
    class Jobs {
      @JobHandler(SendEmail, { maxRetries: 2 })
      send(): void {}
    }
    const kyu = await startKyu({ providers: [Jobs] });
    const job = await afterRun(kyu, () =>
      kyu.queue.enqueue(SendEmail, RIGHT, { priority: 9 }),
    );
    expect(job).toMatchObject({
      jobType: 'send_email',
      priority: 9,
      maxRetries: 2,
      timeoutMs: 2_000,
    });
  });

  it('brings them where the process has no handler, one by one or many at once', async () => {
    const { queue } = await startKyu();
    const ids = [
      await queue.enqueue(SendEmail, RIGHT),
      ...(await queue.enqueueMany([
        { type: SendEmail, payload: RIGHT },
        { type: 'plain', payload: 1 },
      ])),
    ];
    const [one, many, plain] = await Promise.all(
      ids.map((id) => queue.inspect(id)),
    );
    for (const job of [one, many])
      expect(job).toMatchObject({
        jobType: 'send_email',
        priority: 3,
        maxRetries: 7,
        payload: { to: 'ada@example.com', copies: 1 },
      });
    expect(plain).toMatchObject({ priority: 0, maxRetries: 3, payload: 1 });
  });

  it('of another queue is refused', async () => {
    const kyu = await startKyu();
    const Bill = defineJob('bill', { queue: 'billing' });
    await expect(kyu.queue.enqueue(Bill, null)).rejects.toThrow(
      `Jobs of the type "bill" belong to the queue "billing", and this QueueService is that of the default registration`,
    );
    expect(await kyu.sql('SELECT job_type FROM jobs')).toEqual([]);
  });

  it('of another queue registers no function', async () => {
    const kyu = await startKyu();
    const Bill = defineJob('bill', { queue: 'billing' });
    expect(() => kyu.queue.register(Bill, () => 1)).toThrow(
      new InvalidJobError(
        `Jobs of the type "bill" belong to the queue "billing", and this QueueService is that of the default registration; register its handler with @InjectQueue('billing'). Nothing was registered.`,
      ),
    );
  });

  it('registers a function', async () => {
    const kyu = await startKyu();
    kyu.queue.register(SendEmail, ({ at }) => at.getUTCFullYear(), {
      priority: 1,
    });
    const job = await afterRun(kyu, () => kyu.queue.enqueue(SendEmail, RIGHT));
    expect(job).toMatchObject({ result: 2030, priority: 1, maxRetries: 7 });
  });
});

describe('a schema at enqueue', () => {
  it('decides what is stored', async () => {
    const { queue } = await startKyu();
    const id = await queue.enqueue(SendEmail, { ...RIGHT, extra: 1 } as never);
    expect((await queue.inspect(id)).payload).toEqual({
      to: 'ada@example.com',
      at: '2030-01-01T00:00:00.000Z',
      copies: 1,
    });
  });

  it('refuses the payload, names job and fields, and nothing is stored', async () => {
    const kyu = await startKyu();
    const wrong = { to: 'ada', at: RIGHT.at, copies: 'two' } as never;
    const error: unknown = await kyu.queue
      .enqueue(SendEmail, wrong)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidJobError);
    const { message, issues } = error as InvalidJobError;
    expect(message).toMatch(
      /^The payload is not what "send_email" takes: to: .*; copies: .*\. Nothing was stored\.$/,
    );
    expect(issues.map(({ path }) => path)).toEqual(['to', 'copies']);

    await expect(
      kyu.queue.enqueueMany([
        { type: 'plain', payload: 1 },
        { type: SendEmail, payload: wrong },
      ]),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/^Job 1 of 2: .*"send_email".*to: /),
      issues,
    });
    expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
  });

  it('holds for the plain name too, where the process has the handler', async () => {
    class Jobs {
      @JobHandler(SendEmail)
      send(): void {}
    }
    const { queue } = await startKyu({ providers: [Jobs] });
    await expect(queue.enqueue('send_email', { to: 'ada' })).rejects.toThrow(
      'to: ',
    );
  });

  it.each([
    ['z.date()', z.object({ at: z.date() }), { at: new Date() }, 'at: '],
    [
      'a transform',
      z.object({ n: z.string().transform(Number) }),
      { n: '5' },
      'n: ',
    ],
  ])(
    'that would refuse its own output is found out: %s',
    async (_, schema, payload, field) => {
      const kyu = await startKyu();
      const job = defineJob('job', { schema });
      await expect(kyu.queue.enqueue(job, payload as never)).rejects.toThrow(
        new RegExp(
          `^The schema of "job" accepts the payload, but not what it makes of it once that is JSON.*: ${field}`,
        ),
      );
      expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
    },
  );

  it('is asked once where it changes nothing', async () => {
    const { queue } = await startKyu();
    let asked = 0;
    const schema = z.string().refine(() => ++asked > 0);
    await queue.enqueue(defineJob('job', { schema }), 'text');
    expect(asked).toBe(1);
  });
});

describe('a schema before the handler', () => {
  it('makes what it gets, and what everything around it sees', async () => {
    const seen: unknown[] = [];
    const look: NestInterceptor = {
      intercept: (context, next) => {
        seen.push(KyuExecutionContext.of(context).payload);
        return next.handle();
      },
    };
    class Jobs {
      @JobHandler(SendEmail)
      @UseInterceptors(look)
      send(payload: { to: string; at: Date }): void {
        seen.push(payload);
      }
    }
    const kyu = await startKyu({
      providers: [Jobs],
      options: { interceptors: [look] },
    });
    await afterRun(kyu, () => kyu.queue.enqueue(SendEmail, RIGHT));
    const payload = {
      to: 'ada@example.com',
      at: new Date('2030-01-01T00:00:00Z'),
      copies: 1,
    };
    expect(seen).toEqual([payload, payload, payload]);
  });

  it('refuses what another version has stored: dead at once, with the fields, the handler not called', async () => {
    let calls = 0;
    class Jobs {
      @JobHandler(SendEmail)
      send(): void {
        calls++;
      }
    }
    const producer = await startKyu({ options: { mode: 'producer' } });
    const id = await producer.queue.enqueue('send_email', { to: 'ada' });
    const worker = await startKyu({ beside: producer, providers: [Jobs] });
    await until(
      'the job to be dead',
      async () => (await worker.queue.inspect(id)).status === 'dead',
    );
    const job = await worker.queue.inspect(id);
    expect(job.retryCount).toBe(0);
    expect(job.errorMessage).toMatch(
      /^The payload is not what "send_email" takes: to: .*; at: /,
    );
    expect(calls).toBe(0);
  });

  it('that fails itself is a failure like any other: the run is retried', async () => {
    let asked = 0;
    const schema: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          if (++asked === 2) throw new Error('directory away');
          return { value };
        },
      },
    };
    const kyu = await startKyu({ options: { backoff: { base: 1 } } });
    const job = defineJob('job', { schema });
    kyu.queue.register(job, () => 'done');
    const done = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    const id = await kyu.queue.enqueue(job, 'text');
    await done;
    const { history } = await kyu.queue.inspect(id);
    expect(history.map(({ error }) => error)).toEqual([
      'directory away',
      undefined,
    ]);
  });

  it('of a class makes an instance of it', async () => {
    class Jobs {
      @JobHandler(ByClass)
      send(welcome: Welcome): string {
        return welcome.greeting();
      }
    }
    const kyu = await startKyu({ providers: [Jobs] });
    const payload = { to: 'ada@example.com' } as Welcome;
    const job = await afterRun(kyu, () => kyu.queue.enqueue(ByClass, payload));
    expect(job).toMatchObject({ payload, result: 'Hello ada@example.com' });
    await expect(
      kyu.queue.enqueue(ByClass, { to: 'ada' } as Welcome),
    ).rejects.toThrow('to: to must be an email');
  });
});

describe('the backoff of a job type', () => {
  it('is that of its definition or handler, by attempt and error', async () => {
    const asked: unknown[] = [];
    const Flaky = defineJob('flaky', {
      maxRetries: 2,
      backoff: (attempt, error) => {
        asked.push([attempt, (error as Error).message]);
        return attempt;
      },
    });
    const kyu = await startKyu({ options: { backoff: { base: '1h' } } });
    kyu.queue.register(Flaky, (_, { attempt }) => {
      throw new Error(`try ${attempt}`);
    });
    const dead = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'dead',
    );
    await kyu.queue.enqueue(Flaky, null);
    await dead;
    expect(asked).toEqual([
      [1, 'try 1'],
      [2, 'try 2'],
    ]);
  });

  it("that gives no wait is told of, and the module's is taken", async () => {
    const kyu = await startKyu({ options: { backoff: { base: 1 } } });
    kyu.queue.register(
      'job',
      (_: unknown, { attempt }: JobContext) => {
        if (attempt === 1) throw new Error('again');
      },
      { backoff: () => 'soon' as '1s' },
    );
    const done = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    await kyu.queue.enqueue('job', null);
    await done;
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringContaining(
        'The backoff of register("job") returned "soon", which is no duration',
      ),
      expect.stringContaining('failed (attempt 1 of 4'),
    ]);
  });

  it('that is none stops the boot, with the place of the handler', async () => {
    class Jobs {
      @JobHandler('job', { backoff: { base: '2h' } })
      run(): void {}
    }
    await expect(startKyu({ providers: [Jobs] })).rejects.toThrow(
      /^Jobs\.run \(RootTestModule\): backoff\.cap \(3600000 ms\) must not be less/,
    );
  });
});
