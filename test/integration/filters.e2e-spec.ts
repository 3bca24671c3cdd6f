import {
  Catch,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { JobHandler, type JobContext } from '@kyu/nestjs';
import { throwError } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

@Catch(RangeError)
class RangeFilter implements ExceptionFilter<RangeError> {
  catch(error: RangeError, host: ArgumentsHost): unknown {
    return `${host.getType<string>()} caught ${error.message} of ${host.switchToRpc().getContext<JobContext>().type}`;
  }
}

describe('filters', () => {
  class Jobs {
    @JobHandler('job')
    @UseFilters(RangeFilter)
    run(payload: string): never {
      throw payload === 'range'
        ? new RangeError('too far')
        : new TypeError('not mine');
    }
  }

  it('turn the errors they catch into results, and leave the others', async () => {
    const { app } = await startKyu({ providers: [Jobs] });
    expect(await runJob(app, 'job', 'range')).toMatchObject({
      status: 'completed',
      result: 'kyu caught too far of job',
    });
    expect(await runJob(app, 'job', 'type')).toMatchObject({
      status: 'failed',
      errorMessage: 'not mine',
    });
  });

  it('on the class work as on the method', async () => {
    @UseFilters(RangeFilter)
    class OnClass {
      @JobHandler('on.class')
      run(): never {
        throw new RangeError('too far');
      }
    }
    const { app } = await startKyu({ providers: [OnClass] });
    expect((await runJob(app, 'on.class')).result).toBe(
      'kyu caught too far of on.class',
    );
  });

  it('that return nothing leave the failure a failure', async () => {
    const seen: unknown[] = [];
    class Silent {
      @JobHandler('silent')
      @UseFilters({ catch: (error: unknown) => void seen.push(error) })
      run(): never {
        throw new Error('boom');
      }
    }
    const { app } = await startKyu({ providers: [Silent] });
    expect(await runJob(app, 'silent')).toMatchObject({
      status: 'failed',
      errorMessage: 'boom',
    });
    expect(seen).toHaveLength(1);
  });

  it('that throw, or return throwError() as filters of Nest do for messages, fail the job with that error', async () => {
    class Rethrowing {
      @JobHandler('throws')
      @UseFilters({
        catch: () => {
          throw new Error('another');
        },
      })
      throws(): never {
        throw new Error('boom');
      }
      @JobHandler('observable')
      @UseFilters({ catch: () => throwError(() => new Error('another')) })
      observable(): never {
        throw new Error('boom');
      }
    }
    const { app } = await startKyu({ providers: [Rethrowing] });
    for (const type of ['throws', 'observable'])
      expect(await runJob(app, type)).toMatchObject({
        status: 'failed',
        errorMessage: 'another',
      });
  });
});
