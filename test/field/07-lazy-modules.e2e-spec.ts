import {
  Controller,
  Injectable,
  Module,
  Scope,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  DuplicateHandlerError,
  InjectQueue,
  InvalidOptionsError,
  JobHandler,
  JobQueue,
  KyuModule,
  OnJobEvent,
  QueueService,
} from '@kyu/nestjs';
import { nextEvent, until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

const settled = async (queue: QueueService, id: string) => {
  const { status, result } = await queue.inspect(id);
  return ['pending', 'running'].includes(status)
    ? undefined
    : { status, result };
};

describe('field 07: a module that is loaded lazily', () => {
  const heard: string[] = [];
  let refused = 0;

  @Injectable()
  class Refuses implements CanActivate {
    canActivate(): boolean {
      refused++;
      return false;
    }
  }
  @Injectable()
  class Greeting {
    readonly word = 'Hello';
  }
  @Injectable()
  class Mails {
    constructor(
      private readonly greeting: Greeting,
      private readonly queue: QueueService,
    ) {}
    @JobHandler('lazy', { maxRetries: 9 })
    send(payload: string): string {
      return `${this.greeting.word} ${payload}`;
    }
    @JobHandler('lazy.again')
    again(): Promise<string> {
      return this.queue.enqueue('lazy', 'Eve');
    }
    @UseGuards(Refuses)
    @JobHandler('lazy.guarded', { maxRetries: 0 })
    guarded(): void {}
    @OnJobEvent('completed', 'lazy')
    done(): void {
      heard.push('done');
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    constructor(private readonly greeting: Greeting) {}
    @JobHandler('lazy.scoped')
    run(): string {
      return this.greeting.word;
    }
  }
  @Injectable()
  class Dependent {
    constructor(private readonly scoped: Scoped) {}
    @JobHandler('lazy.dependent')
    run(): string {
      return this.scoped.run();
    }
  }
  @Controller()
  class Site {
    @JobHandler('lazy.controller')
    run(): string {
      return 'controller';
    }
  }
  @Module({ providers: [Greeting], exports: [Greeting] })
  class GreetingModule {}
  @Module({
    imports: [GreetingModule],
    providers: [Mails, Scoped, Dependent],
    controllers: [Site],
  })
  class MailModule {}

  it('brings its handlers and listeners, which run with their options and guards', async () => {
    heard.length = 0;
    refused = 0;
    const { app, queue, logger } = await startKyu({
      options: { backoff: { base: 60_000 } },
    });
    const waiting = await queue.enqueue('lazy', 'Bob');
    const loader = app.get(LazyModuleLoader);
    await Promise.all([
      loader.load(() => MailModule),
      loader.load(() => GreetingModule),
    ]);
    await loader.load(() => MailModule);

    await until('the job that waited', async () => settled(queue, waiting));
    expect((await runJob(app, 'lazy', 'Ada')).result).toBe('Hello Ada');
    const again = (await runJob(app, 'lazy.again')).result as string;
    await until('its job', () => settled(queue, again));
    expect((await queue.inspect(again)).maxRetries).toBe(9);
    expect((await runJob(app, 'lazy.scoped')).result).toBe('Hello');
    expect((await runJob(app, 'lazy.dependent')).result).toBe('Hello');
    expect((await runJob(app, 'lazy.controller')).result).toBe('controller');
    const guarded = await queue.enqueue('lazy.guarded', null);
    await until('the guard', () => settled(queue, guarded));
    expect([(await queue.inspect(guarded)).status, refused]).toEqual([
      'dead',
      1,
    ]);
    await until('the listener', () => heard.length === 3);
    expect(logger.messages('warn')).toEqual([]);
  });

  it('brings those of a named registration', async () => {
    @Injectable()
    @JobQueue('billing')
    class Billing {
      constructor(@InjectQueue('billing') readonly queue: QueueService) {}
      @JobHandler('charge')
      charge(): string {
        return 'charged';
      }
    }
    @Module({ providers: [Billing] })
    class BillingModule {}
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(newGround().options()),
        KyuModule.forRoot({ name: 'billing', ...newGround().options() }),
      ],
    });
    const module = await app.get(LazyModuleLoader).load(() => BillingModule);
    const { queue } = module.get(Billing);
    const ended = nextEvent(queue.events, 'job.settled');
    await queue.enqueue('charge', null);
    expect((await ended).status).toBe('completed');
  });

  it('is refused as the boot would refuse it, and others are not', async () => {
    @Injectable()
    class Wrong {
      @JobHandler('work')
      run(): void {}
    }
    @Module({ providers: [Wrong] })
    class First {}
    @Module({ providers: [Wrong] })
    class Second {}
    @Injectable()
    class Static {
      @JobHandler('static')
      static run(): void {}
    }
    @Module({ providers: [Static] })
    class Misplaced {}
    @Injectable()
    class Right {
      @JobHandler('right')
      run(): string {
        return 'right';
      }
    }
    @Module({ providers: [Right] })
    class Third {}
    const { app } = await startKyu({ imports: [First] });
    const loader = app.get(LazyModuleLoader);
    await expect(loader.load(() => Second)).rejects.toThrow(
      DuplicateHandlerError,
    );
    await expect(loader.load(() => Misplaced)).rejects.toThrow(
      InvalidOptionsError,
    );
    await loader.load(() => Third);
    expect((await runJob(app, 'right')).result).toBe('right');
  });

  it('may be loaded before Kyu has started', async () => {
    @Injectable()
    class Early {
      @JobHandler('early')
      run(): string {
        return 'early';
      }
    }
    @Module({ providers: [Early] })
    class EarlyModule {}
    @Module({})
    class Host {
      constructor(private readonly loader: LazyModuleLoader) {}
      async onModuleInit(): Promise<void> {
        await this.loader.load(() => EarlyModule);
      }
    }
    const { app } = await startKyu({ imports: [Host] });
    expect((await runJob(app, 'early')).result).toBe('early');
  });
});
