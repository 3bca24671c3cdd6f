import {
  Body,
  Controller,
  ForbiddenException,
  Injectable,
  Module,
  Post,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentMetadata,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  defineJob,
  InjectQueue,
  JobContext,
  JobHandler,
  JobPayload,
  JobQueue,
  KyuModule,
  OnJobEvent,
  QueueService,
  UnrecoverableJobError,
  type JobEventMap,
} from '@kyu/nestjs';
import { map } from 'rxjs';
import { z } from 'zod';

/** An application with a job of each kind, for the tests of @kyu/testing. */

export const SendEmail = defineJob('send_email', {
  schema: z.object({ to: z.email(), subject: z.string().default('Hello') }),
  maxRetries: 2,
  backoff: { base: '1s', cap: '1m' },
});
export const Charge = defineJob<{ cents: number }, string>('charge', {
  queue: 'billing',
});
export const Flaky = defineJob<{ failures: number }, string>('flaky', {
  maxRetries: 3,
  priority: 5,
});

export class Boom extends Error {}

/** What was seen, in order. */
@Injectable()
export class Log {
  readonly lines: string[] = [];
}

@Injectable()
class NotToSpammers implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { to } = context.getArgByIndex<{ to: string }>(0);
    if (to.startsWith('spam')) throw new ForbiddenException('no spam');
    return true;
  }
}

@Injectable()
class Sealed implements NestInterceptor {
  intercept(...[, next]: Parameters<NestInterceptor['intercept']>) {
    return next.handle().pipe(map((result) => ({ sealed: result as unknown })));
  }
}

class Lowercase implements PipeTransform<string> {
  transform(value: string, _metadata: ArgumentMetadata): string {
    return value.toLowerCase();
  }
}

class Forgive implements ExceptionFilter {
  catch(): string {
    return 'forgiven';
  }
}

@Injectable()
export class EmailJobs {
  constructor(
    private readonly log: Log,
    private readonly queue: QueueService,
  ) {}

  @UseGuards(NotToSpammers)
  @UseInterceptors(Sealed)
  @JobHandler(SendEmail)
  send(
    @JobPayload('to', Lowercase) to: string,
    @JobPayload('subject') subject: string,
    @JobContext() { attempt }: JobContext,
  ): string {
    this.log.lines.push(`send ${to}, attempt ${attempt}`);
    return `${subject} ${to}`;
  }

  @JobHandler(Flaky)
  flaky(
    @JobPayload('failures') failures: number,
    @JobContext() { attempt }: JobContext,
  ): string {
    if (attempt <= failures) throw new Boom(`attempt ${attempt}`);
    return `after ${attempt}`;
  }

  @UseFilters(Forgive)
  @JobHandler('forgiven')
  forgiven(): void {
    throw new Error('forgive me');
  }

  @JobHandler('hopeless')
  hopeless(): void {
    throw new UnrecoverableJobError('no retry helps');
  }

  @JobHandler('slow', { timeout: 20, maxRetries: 0 })
  slow(@JobContext() { signal }: JobContext): Promise<void> {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }

  @JobHandler('what_is_it')
  whatIsIt(@JobPayload() { at }: { at: unknown }): string {
    return typeof at;
  }

  /** Enqueues as many more, each with one less to go. */
  @JobHandler('chain')
  async chain(@JobPayload('left') left: number): Promise<string> {
    if (left > 0) await this.queue.enqueue('chain', { left: left - 1 });
    return `${left} left`;
  }

  @JobHandler('parent')
  async parent(): Promise<string> {
    await this.queue.enqueue('hopeless', null);
    return 'went on';
  }

  @OnJobEvent('dead')
  noteDead({ jobType }: JobEventMap['dead']): void {
    this.log.lines.push(`dead: ${jobType}`);
  }
}

@Module({ providers: [EmailJobs, Log], exports: [Log] })
export class EmailModule {}

@JobQueue('billing')
@Injectable()
export class ChargeJobs {
  @JobHandler(Charge)
  charge({ cents }: { cents: number }): string {
    return `${cents} taken`;
  }
}

@Module({ providers: [ChargeJobs] })
export class BillingModule {}

@Controller('signups')
export class SignupsController {
  constructor(
    private readonly queue: QueueService,
    @InjectQueue('billing') private readonly billing: QueueService,
  ) {}

  @Post()
  async signUp(@Body('to') to: string): Promise<void> {
    await this.queue.enqueue(SendEmail, { to, subject: 'Welcome' });
    await this.billing.enqueue(Charge, { cents: 100 });
  }
}

/** Leads to servers that are not there: a test that reaches for them fails. */
const NOWHERE = {
  postgres: { url: 'postgres://nobody@127.0.0.1:1/nothing' },
  redis: { url: 'redis://127.0.0.1:1' },
};

@Module({
  imports: [
    KyuModule.forRootAsync({ useFactory: () => NOWHERE }),
    KyuModule.forRoot({ ...NOWHERE, name: 'billing' }),
    EmailModule,
    BillingModule,
  ],
  controllers: [SignupsController],
})
export class AppModule {}
