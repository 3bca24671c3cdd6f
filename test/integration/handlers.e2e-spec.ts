import { Controller, Injectable, Module } from '@nestjs/common';
import {
  DuplicateHandlerError,
  JobHandler,
  JobPayload,
  KyuEvents,
  KyuModule,
  QueueService,
} from '@kyu/nestjs';
import { nextEvent } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('where handlers are found', () => {
  it('in providers, controllers, values, and the results of factories', async () => {
    @Injectable()
    class Mails {
      private readonly greeting = 'Hello';
      @JobHandler('provider')
      send(payload: string): string {
        return `${this.greeting} ${payload}`;
      }
    }
    @Controller()
    class Signup {
      @JobHandler('controller')
      welcome(payload: string): string {
        return `Welcome ${payload}`;
      }
    }
    class ByFactory {
      constructor(private readonly word: string) {}
      @JobHandler('factory')
      say(payload: string): string {
        return `${this.word} ${payload}`;
      }
    }
    class AsValue {
      @JobHandler('value')
      say(payload: string): string {
        return `Bye ${payload}`;
      }
    }
    class ByToken {
      @JobHandler('token')
      say(payload: string): string {
        return `Hi ${payload}`;
      }
    }
    const { app } = await startKyu({
      controllers: [Signup],
      providers: [
        Mails,
        { provide: 'FACTORY', useFactory: () => new ByFactory('Moin') },
        { provide: 'VALUE', useValue: new AsValue() },
        { provide: 'TOKEN', useClass: ByToken },
        { provide: 'ALIAS', useExisting: Mails }, // the same instance: not a second handler
      ],
    });
    const results = await Promise.all(
      ['provider', 'controller', 'factory', 'value', 'token'].map(
        async (type) => (await runJob(app, type, 'Ada')).result,
      ),
    );
    expect(results).toEqual([
      'Hello Ada',
      'Welcome Ada',
      'Moin Ada',
      'Bye Ada',
      'Hi Ada',
    ]);
  });

  it('in a base class; a subclass that overrides the method takes the decorator off', async () => {
    abstract class Base {
      abstract name(): string;
      @JobHandler('inherited')
      run(@JobPayload('to') to: string): string {
        return `${this.name()} ${to}`;
      }
      @JobHandler('overridden')
      over(): string {
        return 'base';
      }
    }
    @Injectable()
    class Child extends Base {
      override name(): string {
        return 'child of';
      }
      override over(): string {
        return 'child';
      }
      @JobHandler('own')
      own(): string {
        return 'own';
      }
    }
    const { app } = await startKyu({ providers: [Child] });
    expect((await runJob(app, 'inherited', { to: 'Ada' })).result).toBe(
      'child of Ada',
    );
    expect((await runJob(app, 'own')).result).toBe('own');

    const unhandled = nextEvent(app.get(KyuEvents), 'job.unhandled');
    await app.get(QueueService).enqueue('overridden', null);
    expect((await unhandled).jobType).toBe('overridden');
  });

  it('in feature modules, which get QueueService without importing KyuModule', async () => {
    @Injectable()
    class Orders {
      constructor(private readonly queue: QueueService) {}
      @JobHandler('order.placed')
      async placed(payload: { id: number }): Promise<string> {
        return this.queue.enqueue('order.bill', payload);
      }
      @JobHandler('order.bill')
      bill(payload: { id: number }): string {
        return `bill ${payload.id}`;
      }
    }
    @Module({ providers: [Orders] })
    class OrdersModule {}
    @Module({ imports: [OrdersModule] })
    class ShopModule {}

    const kyu = await startKyu({ imports: [ShopModule] });
    const billed = kyu.nextEvent(
      'job.settled',
      ({ jobType }) => jobType === 'order.bill',
    );
    const placed = await runJob(kyu.app, 'order.placed', { id: 7 });
    await billed;
    expect((await kyu.queue.inspect(placed.result as string)).result).toBe(
      'bill 7',
    );
  });

  it('under names that objects have anyway', async () => {
    class Odd {
      @JobHandler('__proto__')
      proto(): string {
        return 'proto';
      }
      @JobHandler('constructor')
      ctor(): string {
        return 'ctor';
      }
    }
    const { app } = await startKyu({ providers: [Odd] });
    expect((await runJob(app, '__proto__')).result).toBe('proto');
    expect((await runJob(app, 'constructor')).result).toBe('ctor');
  });
});

describe('two handlers for one type', () => {
  it('stop the boot with an error that names both places', async () => {
    class First {
      @JobHandler('same')
      one(): void {}
    }
    @Controller()
    class Second {
      @JobHandler('same')
      two(): void {}
    }
    @Module({ controllers: [Second] })
    class SecondModule {}
    @Module({ providers: [First] })
    class FirstModule {}
    const ground = newGround();
    const boot = bootApp({
      imports: [KyuModule.forRoot(ground.options()), FirstModule, SecondModule],
    });
    await expect(boot).rejects.toThrow(DuplicateHandlerError);
    await expect(boot).rejects.toThrow(
      /"same": First\.one \(FirstModule\) and Second\.two \(SecondModule\)/,
    );
  });

  it('stop the boot when one provider stands in two modules', async () => {
    class Mails {
      @JobHandler('send')
      send(): void {}
    }
    @Module({ providers: [Mails] })
    class A {}
    @Module({ providers: [Mails] })
    class B {}
    const boot = bootApp({
      imports: [KyuModule.forRoot(newGround().options()), A, B],
    });
    await expect(boot).rejects.toThrow(
      /Mails\.send \(A\) and Mails\.send \(B\)/,
    );
  });

  it('are fine when the second comes by register(): it replaces the first, before the boot and after', async () => {
    class Decorated {
      @JobHandler('early')
      early(): string {
        return 'decorated';
      }
      @JobHandler('late')
      late(): string {
        return 'decorated';
      }
    }
    const { app, queue } = await startKyu({
      providers: [Decorated],
      handlers: { early: () => 'registered' },
    });
    expect((await runJob(app, 'early')).result).toBe('registered');
    expect((await runJob(app, 'late')).result).toBe('decorated');
    queue.register('late', () => 'registered');
    expect((await runJob(app, 'late')).result).toBe('registered');
  });
});
