import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  NotFoundException,
  RequestTimeoutException,
  ServiceUnavailableException,
  UnprocessableEntityException,
  UseFilters,
  UseGuards,
  ValidationPipe,
} from '@nestjs/common';
import {
  defineJob,
  InvalidJobError,
  JobHandler,
  JobPayload,
  UnrecoverableJobError,
  type StandardSchema,
} from '@kyu/nestjs';
import {
  IsEmail,
  validateOrReject,
  ValidatorConstraint,
  Validate,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { plainToInstance } from 'class-transformer';
import { createConnection } from 'node:net';
import { Client } from 'pg';
import { QueryFailedError } from 'typeorm';
import * as valibot from 'valibot';
import { z } from 'zod';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

class Welcome {
  @IsEmail()
  to: string;
}

/** A database that is not there: nothing listens on port 1. */
const askDatabase = (): Promise<never> =>
  new Client({ host: '127.0.0.1', port: 1 }).connect() as Promise<never>;

const throwing = (error: unknown) => (): never => {
  throw error;
};

/** A job whose only pipe does this. */
async function inPipe(transform: (value: unknown) => unknown) {
  class Jobs {
    @JobHandler('job')
    run(@JobPayload({ transform }) _payload: unknown): void {}
  }
  const { app } = await startKyu({ providers: [Jobs] });
  return runJob(app, 'job', { to: 'nobody' });
}

describe('field 05: a pipe that fails does not bury the job', () => {
  it.each<[string, (value: unknown) => unknown, string]>([
    ['a database that is away', askDatabase, 'ECONNREFUSED'],
    [
      'a socket that is refused',
      () =>
        new Promise((_, reject) =>
          createConnection(1, '127.0.0.1').on('error', reject),
        ),
      'ECONNREFUSED',
    ],
    [
      'a failed query',
      throwing(new QueryFailedError('SELECT 1', [], new Error('deadlock'))),
      'deadlock',
    ],
    ['a TypeError', () => (undefined as never as string[]).length, 'undefined'],
    [
      'an error of its own',
      throwing(new Error('no such user')),
      'no such user',
    ],
    ['text', throwing('not so'), 'not so'],
    ['a list of errors', throwing([new Error('not so')]), 'not so'],
    ['503', throwing(new ServiceUnavailableException()), 'Service Unavailable'],
    ['408', throwing(new RequestTimeoutException()), 'Request Timeout'],
    ['409', throwing(new ConflictException()), 'Conflict'],
    ...[401, 403, 407, 423, 424, 425, 429].map(
      (status): [string, () => never, string] => [
        String(status),
        throwing(new HttpException(`status ${status}`, status)),
        `status ${status}`,
      ],
    ),
  ])('%s: the run fails, and is retried', async (_, transform, text) => {
    const job = await inPipe(transform);
    expect(job).toMatchObject({ status: 'failed', retryCount: 1 });
    expect(job.errorMessage).toContain(text);
    expect(job.errorMessage).not.toContain('refused the payload');
  });

  it('a constraint of class-validator that cannot ask its database', async () => {
    @ValidatorConstraint({ async: true })
    class IsCustomer implements ValidatorConstraintInterface {
      validate = askDatabase;
    }
    class Order {
      @Validate(IsCustomer)
      customer: string;
    }
    class Jobs {
      @JobHandler('job')
      run(
        @JobPayload(new ValidationPipe({ validateCustomDecorators: true }))
        _order: Order,
      ): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    const job = await runJob(app, 'job', { customer: 'ada' });
    expect(job).toMatchObject({ status: 'failed' });
    expect(job.errorMessage).toContain('ECONNREFUSED');
  });

  it('a pipe that works again lets the job complete', async () => {
    let asked = 0;
    class Jobs {
      @JobHandler('job')
      run(
        @JobPayload({
          transform: (value: unknown) =>
            ++asked === 1 ? askDatabase() : value,
        })
        payload: unknown,
      ): unknown {
        return payload;
      }
    }
    const kyu = await startKyu({
      providers: [Jobs],
      options: { backoff: { base: '1ms' } },
    });
    const completed = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    const id = await kyu.queue.enqueue('job', 'payload');
    await completed;
    expect(await kyu.queue.inspect(id)).toMatchObject({
      result: 'payload',
      retryCount: 1,
    });
  });
});

describe('field 05: what says that the payload is wrong buries the job', () => {
  it.each<[string, (value: unknown) => unknown, string]>([
    ['400', throwing(new BadRequestException('not so')), 'not so'],
    ['404', throwing(new NotFoundException('no user 7')), 'no user 7'],
    ['422', throwing(new UnprocessableEntityException('odd')), 'odd'],
    [
      'an UnrecoverableJobError',
      throwing(new UnrecoverableJobError('gone')),
      'gone',
    ],
    [
      'an InvalidJobError of Kyu',
      throwing(new InvalidJobError('no job')),
      'no job',
    ],
    [
      'ValidationPipe',
      (value) => inValidationPipe(value, {}),
      'to must be an email',
    ],
    [
      'ValidationPipe, grouped',
      (value) => inValidationPipe(value, { errorFormat: 'grouped' }),
      'to: to must be an email',
    ],
    [
      'ValidationPipe that throws the errors as they are',
      (value) =>
        inValidationPipe(value, { exceptionFactory: (errors) => errors }),
      'to: to must be an email',
    ],
    [
      'ValidationPipe that puts the errors as they are into a 400',
      (value) =>
        inValidationPipe(value, {
          exceptionFactory: (errors) => new BadRequestException(errors),
        }),
      'to: to must be an email',
    ],
    [
      'a 400 that has the issues of zod beside its message',
      throwing(
        new BadRequestException({
          message: 'Validation failed',
          errors: [{ message: 'Invalid email address', path: ['to'] }],
        }),
      ),
      'to: Invalid email address',
    ],
    [
      'validateOrReject() of class-validator',
      (value) => validateOrReject(plainToInstance(Welcome, value as object)),
      'to: to must be an email',
    ],
    [
      'zod',
      (value) => z.object({ to: z.email() }).parse(value),
      'to: Invalid email address',
    ],
    [
      'valibot',
      (value) =>
        valibot.parse(
          valibot.object({
            to: valibot.pipe(valibot.string(), valibot.email()),
          }),
          value,
        ),
      'to: Invalid email',
    ],
    [
      'issues as Standard Schema has them',
      throwing(
        Object.assign(new Error('invalid'), {
          issues: [{ message: 'must be so', path: [{ key: 'items' }, 0] }],
        }),
      ),
      'items[0]: must be so',
    ],
  ])('%s', async (_, transform, text) => {
    const job = await inPipe(transform);
    expect(job).toMatchObject({ status: 'dead', retryCount: 0 });
    expect(job.errorMessage).toContain(text);
  });
});

function inValidationPipe(
  value: unknown,
  options: ConstructorParameters<typeof ValidationPipe>[0],
): Promise<unknown> {
  return new ValidationPipe({
    validateCustomDecorators: true,
    ...options,
  }).transform(value, { type: 'custom', metatype: Welcome });
}

describe('field 05: nothing but a pipe and a schema refuses a payload', () => {
  it.each<[string, () => unknown]>([
    ['throws 400', throwing(new BadRequestException())],
    ['throws 403', throwing(new ForbiddenException())],
    ['answers false', () => false],
    ['cannot ask its database', askDatabase],
  ])('a guard that %s is asked again', async (_, canActivate) => {
    class Jobs {
      @JobHandler('job')
      @UseGuards({ canActivate: canActivate as () => boolean })
      run(): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect(await runJob(app, 'job')).toMatchObject({
      status: 'failed',
      retryCount: 1,
    });
  });

  it('a filter that makes a 400 of another failure leaves the job its retries', async () => {
    class Jobs {
      @JobHandler('job')
      @UseFilters({ catch: throwing(new BadRequestException()) })
      run(@JobPayload({ transform: askDatabase }) _payload: unknown): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect(await runJob(app, 'job')).toMatchObject({ status: 'failed' });
  });

  it('a handler that throws a 400 is retried', async () => {
    const { app } = await startKyu({
      handlers: { job: throwing(new BadRequestException()) },
    });
    expect(await runJob(app, 'job')).toMatchObject({ status: 'failed' });
  });
});

describe('field 05: a schema', () => {
  /** Right at enqueue, and before the handler what `then` does. */
  const schemaThat = (then: () => unknown): StandardSchema => {
    let asked = 0;
    return {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value: unknown) =>
          ++asked > 1 ? (then() as never) : { value },
      },
    };
  };
  const run = async (then: () => unknown) => {
    const Checked = defineJob('checked', { schema: schemaThat(then) });
    class Jobs {
      @JobHandler(Checked)
      run(_payload: unknown): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    return runJob(app, 'checked', { to: 'nobody' });
  };

  it.each<[string, () => unknown]>([
    ['cannot ask its database', askDatabase],
    ['has a fault of its own', throwing(new TypeError('undefined'))],
    ['says 503', throwing(new ServiceUnavailableException())],
  ])('that %s leaves the job its retries', async (_, then) => {
    expect(await run(then)).toMatchObject({ status: 'failed', retryCount: 1 });
  });

  it.each<[string, () => unknown, string]>([
    [
      'answers with issues',
      () => ({ issues: [{ message: 'not so' }] }),
      'not so',
    ],
    [
      'throws what another schema has against the payload',
      () => z.object({ to: z.email() }).parse({ to: 'nobody' }),
      'to: Invalid email address',
    ],
    ['throws a 400', throwing(new BadRequestException('not so')), 'not so'],
  ])('that %s buries it', async (_, then, text) => {
    const job = await run(then);
    expect(job).toMatchObject({ status: 'dead', retryCount: 0 });
    expect(job.errorMessage).toContain(
      'The payload is not what "checked" takes: ',
    );
    expect(job.errorMessage).toContain(text);
  });
});
