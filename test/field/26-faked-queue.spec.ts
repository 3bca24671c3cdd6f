import { jest } from '@jest/globals';
import { Controller, Inject, Injectable, Post } from '@nestjs/common';
import {
  defineJob,
  InjectQueue,
  JobContext,
  JobHandler,
  JobPayload,
  QueueService,
} from '@kyu/nestjs';
import { fakeJobContext } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { parseDuration } from '../../libs/kyu/src/runtime/duration.js';

const Welcome = defineJob<{ to: string }, string>('welcome');

@Injectable()
class Signup {
  constructor(private readonly queue: QueueService) {}

  signUp(to: string): Promise<string> {
    return this.queue.enqueue(Welcome, { to }, { priority: 1 });
  }
}

/** Says of the queue only what it needs. */
@Controller()
class Invitations {
  constructor(
    @InjectQueue('mail')
    private readonly mail: Pick<QueueService, 'enqueue' | 'cancelJob'>,
    @Inject('from') private readonly from: string,
  ) {}

  @Post()
  invite(to: string): Promise<string> {
    return this.mail.enqueue('invite', { to, from: this.from });
  }
}

@Injectable()
class WelcomeJobs {
  @JobHandler(Welcome)
  welcome(@JobPayload('to') to: string, @JobContext() job: JobContext): string {
    if (job.signal.aborted) throw job.signal.reason;
    return `${to}, attempt ${job.attempt} of ${job.maxRetries + 1}`;
  }
}

const fakeQueue = () =>
  ({
    enqueue: jest.fn<QueueService['enqueue']>().mockResolvedValue('an id'),
    cancelJob: jest.fn<QueueService['cancelJob']>(),
  }) satisfies Partial<QueueService>;

describe('field 26: a faked QueueService', () => {
  it('is provided in its place, without KyuModule', async () => {
    const queue = fakeQueue();
    const module = await Test.createTestingModule({
      providers: [Signup, { provide: QueueService, useValue: queue }],
    }).compile();
    expect(await module.get(Signup).signUp('Ada')).toBe('an id');
    expect(queue.enqueue).toHaveBeenCalledWith(
      Welcome,
      { to: 'Ada' },
      { priority: 1 },
    );
    await module.close();
  });

  it('is handed to a class that asks for a part of it', async () => {
    const mail = fakeQueue();
    expect(await new Invitations(mail, 'Bob').invite('Ada')).toBe('an id');
    expect(mail.enqueue.mock.lastCall).toEqual([
      'invite',
      { to: 'Ada', from: 'Bob' },
    ]);
  });
});

describe('field 26: fakeJobContext()', () => {
  it('lets a test call a handler, as a method', () => {
    const jobs = new WelcomeJobs();
    expect(jobs.welcome('Ada', fakeJobContext())).toBe('Ada, attempt 1 of 4');
    expect(
      jobs.welcome('Ada', fakeJobContext({ attempt: 2, maxRetries: 1 })),
    ).toBe('Ada, attempt 2 of 2');
    const signal = AbortSignal.abort(new Error('over'));
    expect(() => jobs.welcome('Ada', fakeJobContext({ signal }))).toThrow(
      'over',
    );
  });
});

describe('field 26: Duration', () => {
  it.each(['0s', '250ms', '10s', '5m', '2h', '1d', '1.5s'] as const)(
    'takes %s as a type, and Kyu does',
    (duration) => {
      expect(parseDuration(duration)).toBeGreaterThanOrEqual(0);
    },
  );
});
