import { pathToFileURL } from 'node:url';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import * as kyu from '@kyu/nestjs';
import { withKyuTesting } from '@kyu/testing';
import type { EntityManager } from 'typeorm';
import { newGround } from '../support/boot-app.js';
import { compileLibrary } from '../support/compile-entry.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

type Copy = typeof kyu;

let copy: Copy;
beforeAll(async () => {
  const entry = await compileLibrary();
  copy = (await import(pathToFileURL(entry).href)) as Copy;
});

describe('field 07: two copies of the package in one process', () => {
  it('are two', () => {
    expect(copy.KyuModule).not.toBe(kyu.KyuModule);
    expect(copy.QueueService).not.toBe(kyu.QueueService);
  });

  it('know the decorators, definitions and errors of each other, and inject for each other', async () => {
    const SendEmail = copy.defineJob<{ to: string }>('send_email', {
      maxRetries: 8,
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            (value as { to?: unknown }).to === 'nobody'
              ? { issues: [{ message: 'nobody is there' }] }
              : { value: value as { to: string } },
        },
      },
    });
    const heard: string[] = [];

    class Jobs {
      constructor(
        readonly queue: kyu.QueueService,
        readonly events: kyu.KyuEvents,
        readonly health: kyu.KyuHealth,
      ) {}
      async send(payload: { to: string }, job: kyu.JobContext) {
        return [payload.to, job.type, copy.currentJob()?.id === job.id];
      }
      buried(): never {
        throw new copy.UnrecoverableJobError('for good');
      }
      write(manager: EntityManager): Promise<unknown> {
        return manager.query('SELECT 1 AS one');
      }
      dead({ jobType }: { jobType: string }): void {
        heard.push(jobType);
      }
    }
    const decorate = (name: string, ...decorators: MethodDecorator[]) => {
      for (const each of decorators)
        each(
          Jobs.prototype,
          name,
          Object.getOwnPropertyDescriptor(Jobs.prototype, name)!,
        );
    };
    decorate('send', copy.JobHandler<unknown>(SendEmail as never));
    decorate('buried', copy.JobHandler('buried'));
    decorate('write', copy.JobHandler('write', { transactional: true }));
    copy.JobManager()(Jobs.prototype, 'write', 0);
    decorate('dead', copy.OnJobEvent('dead') as MethodDecorator);
    Injectable()(Jobs);
    Reflect.defineMetadata(
      'design:paramtypes',
      [copy.QueueService, copy.KyuEvents, copy.KyuHealth],
      Jobs,
    );

    const { app, queue, logger } = await startKyu({
      providers: [Jobs],
      options: { currentJob: true },
    });
    const jobs = app.get(Jobs);
    expect(jobs.queue).toBe(queue);
    expect(jobs.events).toBe(app.get(kyu.KyuEvents));
    expect(jobs.health).toBe(app.get(kyu.KyuHealth));

    const sent = await runJob(app, SendEmail as never, { to: 'Ada' });
    expect(sent.maxRetries).toBe(8);
    expect(sent.result).toEqual(['Ada', 'send_email', true]);
    expect((await runJob(app, 'write')).result).toEqual([{ one: 1 }]);
    const buried = await runJob(app, 'buried');
    expect([buried.status, buried.retryCount]).toEqual(['dead', 0]);
    expect(heard).toEqual(['buried']);
    expect(logger.messages('warn')).toEqual([]);

    const refusal = await queue
      .enqueue(SendEmail, { to: 'nobody' })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(kyu.InvalidJobError);
    expect(refusal).toBeInstanceOf(copy.InvalidJobError);
    expect(refusal).toBeInstanceOf(copy.KyuError);
    expect(refusal).not.toBeInstanceOf(copy.JobNotFoundError);
  });

  it('find the missing transaction of a @JobManager() of each other', async () => {
    class Jobs {
      write(): void {}
    }
    copy.JobHandler('write')(
      Jobs.prototype,
      'write',
      Object.getOwnPropertyDescriptor(Jobs.prototype, 'write')!,
    );
    copy.JobManager()(Jobs.prototype, 'write', 0);
    await expect(startKyu({ providers: [Jobs] })).rejects.toThrow(
      'Jobs.write has a @JobManager() and no transaction',
    );
  });

  it('have no two modules in one application', async () => {
    const boot = Test.createTestingModule({
      imports: [
        kyu.KyuModule.forRoot(newGround().options()),
        copy.KyuModule.forRoot({ name: 'billing', ...newGround().options() }),
      ],
    }).compile();
    await expect(boot).rejects.toThrow(kyu.InvalidOptionsError);
    await expect(boot).rejects.toThrow(
      /KyuModule of two copies of @kyu\/nestjs is imported by this application\..*npm ls @kyu\/nestjs/,
    );
  });

  it('are no test of each other: the boot fails, and no real server is used', async () => {
    const test = withKyuTesting(
      Test.createTestingModule({
        imports: [copy.KyuModule.forRoot(newGround().options())],
      }),
      { mode: 'manual' },
    );
    await expect(test.compile()).rejects.toThrow(
      "Nest can't resolve dependencies",
    );
  });
});

describe('field 07: `instanceof` of the errors', () => {
  const errors = Object.entries(kyu).filter(
    ([name, value]) => name.endsWith('Error') && typeof value === 'function',
  ) as [string, abstract new (...args: never[]) => Error][];

  it.each(errors)(
    '%s is the same class in both copies, by its brand',
    (name, type) => {
      const other = Object.create(
        (copy as unknown as Record<string, { prototype: object }>)[name]!
          .prototype,
      ) as unknown;
      expect(Object.hasOwn(type.prototype, Symbol.for(`kyu:${name}`))).toBe(
        true,
      );
      expect(other instanceof type).toBe(true);
      expect(other instanceof kyu.KyuError).toBe(true);
      expect(errors.filter(([, each]) => other instanceof each)).toHaveLength(
        name === 'KyuError' ? 1 : 2,
      );
      expect(new Error('plain') instanceof type).toBe(false);
      for (const none of [null, undefined, 1, 'text', {}])
        expect((none as unknown) instanceof type).toBe(false);
    },
  );

  it('is what it always is for subclasses of an application', () => {
    class CardExpired extends kyu.UnrecoverableJobError {}
    const expired = new CardExpired('no');
    expect(expired).toBeInstanceOf(CardExpired);
    expect(expired).toBeInstanceOf(kyu.UnrecoverableJobError);
    expect(expired).toBeInstanceOf(copy.UnrecoverableJobError);
    expect(new kyu.UnrecoverableJobError('no')).not.toBeInstanceOf(CardExpired);
  });
});
