import {
  UsePipes,
  ValidationPipe,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { JobContext, JobHandler, JobManager, JobPayload } from '@kyu/nestjs';
import { IsEmail } from 'class-validator';
import { EntityManager } from 'typeorm';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

class Welcome {
  @IsEmail()
  to: string;
}

/** As the guide "pipeline.md" has it. This suite is compiled by SWC, which takes the decorator `JobContext` for the class of the parameter. */
const validation = (): ValidationPipe =>
  new ValidationPipe({ transform: true, validateCustomDecorators: true });

/** Notes what it sees. */
class Seen implements PipeTransform {
  readonly values: unknown[] = [];
  readonly metadata: ArgumentMetadata[] = [];

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    this.values.push(value);
    this.metadata.push(metadata);
    return value;
  }
}

describe('field 02: parameters that Kyu fills are no payload', () => {
  it.each(['class', 'method', 'application'])(
    'ValidationPipe of the %s passes @JobContext() over and still checks the payload',
    async (level) => {
      const at = (name: string) =>
        UsePipes(...(name === level ? [validation()] : []));
      @at('class')
      class Jobs {
        @JobHandler('welcome')
        @at('method')
        send(@JobPayload() welcome: Welcome, @JobContext() job: JobContext) {
          return [welcome instanceof Welcome, job.type, job.signal.aborted];
        }
      }
      const { app } = await startKyu({
        providers: [Jobs],
        options: { globalEnhancers: true },
      });
      if (level === 'application') app.useGlobalPipes(validation());
      expect(
        await runJob(app, 'welcome', { to: 'ada@example.com' }),
      ).toMatchObject({
        status: 'completed',
        result: [true, 'welcome', false],
      });
      expect(await runJob(app, 'welcome', { to: 'nobody' })).toMatchObject({
        status: 'dead',
        errorMessage: 'A pipe refused the payload: to must be an email',
      });
    },
  );

  it('the manager of a transactional handler is the one of its transaction, not a copy that a pipe made', async () => {
    @UsePipes(validation())
    class Jobs {
      @JobHandler('transfer', { transactional: true })
      run(
        @JobManager() manager: EntityManager,
        @JobPayload() welcome: Welcome,
        @JobContext() job: JobContext,
      ) {
        return [manager === job.manager, welcome instanceof Welcome];
      }
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect(
      await runJob(app, 'transfer', { to: 'ada@example.com' }),
    ).toMatchObject({ status: 'completed', result: [true, true] });
  });

  it('a pipe that stands in the decorator itself runs, without a class to make an instance of', async () => {
    const explicit = new Seen();
    const ofTheClass = new Seen();
    @UsePipes(ofTheClass)
    class Jobs {
      @JobHandler('explicit')
      run(
        @JobContext(explicit, validation()) job: JobContext,
        @JobPayload('to') to: string,
      ) {
        return [job.type, to];
      }
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect(await runJob(app, 'explicit', { to: 'ada' })).toMatchObject({
      status: 'completed',
      result: ['explicit', 'ada'],
    });
    expect(explicit.metadata).toMatchObject([
      { type: 'custom', metatype: undefined },
    ]);
    expect(ofTheClass.values).toEqual(['ada']);
  });

  it('a handler with nothing but Kyu’s own parameters runs no pipes', async () => {
    const seen = new Seen();
    @UsePipes(seen)
    class Jobs {
      @JobHandler('own')
      run(@JobContext() job: JobContext) {
        return job.type;
      }
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect((await runJob(app, 'own')).result).toBe('own');
    expect(seen.values).toEqual([]);
  });
});
