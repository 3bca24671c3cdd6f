import { Controller, Injectable, Scope } from '@nestjs/common';
import {
  InvalidOptionsError,
  JobHandler,
  OnJobEvent,
  UnrecoverableJobError,
  type JobEvent,
  type JobEventMap,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

let heard: [string, JobEventMap[JobEvent]][];
beforeEach(() => {
  heard = [];
});
const names = (): string[] => heard.map(([name]) => name);

@Injectable()
class Jobs {
  @JobHandler('works')
  works(): string {
    return 'done';
  }

  @JobHandler('fails_once', { maxRetries: 1 })
  failsOnce(): never {
    throw new Error('not now');
  }

  @JobHandler('dies')
  dies(): never {
    throw new UnrecoverableJobError('never');
  }
}

@Injectable()
class Listener {
  private readonly mine = 'mine';

  @OnJobEvent('enqueued')
  enqueued(event: JobEventMap['enqueued']): void {
    heard.push(['enqueued', event]);
  }

  @OnJobEvent('claimed')
  claimed(event: JobEventMap['claimed']): void {
    heard.push(['claimed', event]);
  }

  @OnJobEvent('completed')
  completed(event: JobEventMap['completed']): void {
    heard.push(['completed', event]);
  }

  @OnJobEvent('failed')
  @OnJobEvent('dead')
  unwell(event: JobEventMap['failed'] | JobEventMap['dead']): void {
    heard.push([`unwell, ${this.mine}`, event]);
  }

  @OnJobEvent('cancelled')
  cancelled(event: JobEventMap['cancelled']): void {
    heard.push(['cancelled', event]);
  }
}

describe('@OnJobEvent()', () => {
  it('tells of each step of a job, with what there is to know', async () => {
    const kyu = await startKyu({ providers: [Jobs, Listener] });
    const { id } = await runJob(kyu.app, 'works');
    const job = { id, jobType: 'works', queue: kyu.queueName };
    expect(heard).toEqual([
      ['enqueued', { ...job, status: 'running' }],
      ['claimed', { ...job, waitedMs: expect.any(Number) as number }],
      ['completed', { ...job, durationMs: expect.any(Number) as number }],
    ]);
  });

  it('calls a method that listens to two events for both, on its instance', async () => {
    const kyu = await startKyu({ providers: [Jobs, Listener] });
    await runJob(kyu.app, 'fails_once');
    await runJob(kyu.app, 'dies');
    expect(heard.filter(([name]) => name === 'unwell, mine')).toMatchObject([
      ['unwell, mine', { jobType: 'fails_once', error: 'not now' }],
      ['unwell, mine', { jobType: 'dies', error: 'never' }],
    ]);
  });

  it('tells of a job that was cancelled while it waited', async () => {
    const kyu = await startKyu({
      providers: [Listener],
      options: { mode: 'producer' },
    });
    const id = await kyu.queue.enqueue('works', null);
    await kyu.queue.cancelJob(id);
    expect(heard.at(-1)).toEqual([
      'cancelled',
      { id, jobType: 'works', queue: kyu.queueName },
    ]);
  });

  it('tells of a job that killed too many workers that it is dead', async () => {
    const kyu = await startKyu({
      providers: [Listener],
      options: {
        maxCrashes: 1,
        heartbeatInterval: 250,
        heartbeatTimeout: 1000,
      },
    });
    await kyu.sql(
      `INSERT INTO jobs (id, job_type, queue, status, locked_by, locked_at)
       VALUES (gen_random_uuid(), 'poison', $1, 'running', 'gone:1:ab', now())`,
      [kyu.queueName],
    );
    await until('it to be told', () => heard.length > 0);
    expect(heard).toMatchObject([
      [
        'unwell, mine',
        {
          jobType: 'poison',
          error: 'The worker gone:1:ab was lost while it ran this job.',
        },
      ],
    ]);
  });

  it('filters by type', async () => {
    @Injectable()
    class OfWorks {
      @OnJobEvent('completed', 'works')
      completed(event: JobEventMap['completed']): void {
        heard.push(['works', event]);
      }

      @OnJobEvent('completed', 'other')
      other(event: JobEventMap['completed']): void {
        heard.push(['other', event]);
      }
    }
    const kyu = await startKyu({ providers: [Jobs, OfWorks] });
    await runJob(kyu.app, 'works');
    expect(names()).toEqual(['works']);
  });

  it('may stand in a controller, and beside a handler', async () => {
    @Controller('both')
    class Both {
      @JobHandler('controlled')
      @OnJobEvent('completed', 'works')
      controlled(event: unknown): void {
        heard.push(['controller', event as JobEventMap['completed']]);
      }
    }
    const kyu = await startKyu({ providers: [Jobs], controllers: [Both] });
    await runJob(kyu.app, 'works');
    expect(names()).toEqual(['controller']);
  });

  it('logs what a listener throws, and it reaches neither the job nor the others', async () => {
    @Injectable()
    class Broken {
      @OnJobEvent('completed')
      now(): never {
        throw new Error('at once');
      }

      @OnJobEvent('completed')
      async later(): Promise<never> {
        await Promise.resolve();
        throw new Error('later');
      }
    }
    const kyu = await startKyu({ providers: [Jobs, Broken, Listener] });
    expect(await runJob(kyu.app, 'works')).toMatchObject({
      status: 'completed',
    });
    expect(names()).toContain('completed');
    await until(
      'both to be logged',
      () => kyu.logger.messages('error').length > 1,
    );
    expect(kyu.logger.messages('error')).toEqual([
      expect.stringMatching(
        /^@OnJobEvent\("completed"\) of Broken\.now \(\w+\) threw: at once$/,
      ),
      expect.stringMatching(
        /^@OnJobEvent\("completed"\) of Broken\.later \(\w+\) threw: later$/,
      ),
    ]);
  });

  it('ends with the application', async () => {
    const kyu = await startKyu({ providers: [Listener] });
    await kyu.close();
    kyu.events.emit('job.claimed', { id: 'x', jobType: 'works', waitedMs: 0 });
    expect(heard).toEqual([]);
  });

  it('is refused at boot where it would never be called', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnJobEvent('dead')
      dead(): void {
        heard.push(['never', {} as never]);
      }
    }
    await expect(startKyu({ providers: [PerRequest] })).rejects.toThrow(
      /@OnJobEvent\("dead"\) of PerRequest\.dead .* would never be called/,
    );
  });

  it('is refused at boot for an event that there is not', async () => {
    @Injectable()
    class Mistaken {
      @OnJobEvent('job.settled' as 'dead')
      dead(): void {
        heard.push(['never', {} as never]);
      }
    }
    const boot = startKyu({ providers: [Mistaken] });
    await expect(boot).rejects.toThrow(
      /there is no such event; there are enqueued, claimed/,
    );
    await expect(boot).rejects.toBeInstanceOf(InvalidOptionsError);
  });

  it('checks at compile time that the method takes what the event tells', () => {
    class Types {
      @OnJobEvent('dead')
      right(event: { id: string; error: string }): unknown {
        return event;
      }

      // @ts-expect-error a completed job has no error
      @OnJobEvent('completed')
      wrong(event: { error: string }): unknown {
        return event;
      }

      // @ts-expect-error there is no such event
      @OnJobEvent('finished')
      unknown(): unknown {
        return undefined;
      }
    }
    expect(Types).toBeDefined();
  });
});
