import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Module,
  type CallHandler,
  type ExecutionContext,
  type INestApplicationContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobHandler, KyuModule, QueueService } from '@kyu/nestjs';
import { monotonic } from '../harness/clock.js';
import { serve } from '../harness/serve.js';
import { median } from '../report/statistics.js';
import { loadInternals } from './internals.js';

// One benchmark of dispatch in a process of its own: what is compiled for one must not be compiled for another.

const TYPE = 'send_mail';
const PAYLOAD = { to: 'ada@example.com', subject: 'Hello' };
const BATCHES = 10;
/** Of the batches, the first are for the compiler. */
const WARM_UP = 4;
const PARALLEL = 50;
/** The jobs of one claim: a worker then goes back to its event loop, which has timers to look after. */
const TURN = 500;

class MailJobs {
  sent = 0;

  @JobHandler(TYPE)
  send(_payload: typeof PAYLOAD): void {
    this.sent++;
  }
}

class PassOn implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

export interface Dispatch {
  what: 'register' | 'execute' | 'parallel';
  interceptors: number;
  calls: number;
  postgresUrl: string;
  redisUrl: string;
}

const JOB = {
  id: '01890000-0000-7000-8000-000000000000',
  jobType: TYPE,
  payloadJson: JSON.stringify(PAYLOAD),
  contextJson: null,
  priority: 0,
  maxRetries: 3,
  retryCount: 0,
  crashCount: 0,
  timeoutMs: 30_000,
  token: 1,
  createdAt: new Date(),
  scheduledAt: new Date(),
  waitedMs: 0,
  claimedAt: 0,
};

/** The application as it is, with its handler compiled by Nest; nothing is enqueued, and the servers only let it boot. */
async function boot(dispatch: Dispatch) {
  @Module({
    imports: [
      KyuModule.forRoot({
        postgres: { url: dispatch.postgresUrl },
        redis: { url: dispatch.redisUrl },
        mode: 'producer',
        metricsPort: 0,
        interceptors: Array.from(
          { length: dispatch.interceptors },
          () => new PassOn(),
        ),
      }),
    ],
    providers: [MailJobs],
  })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, {
    logger: ['warn', 'error'],
  });
}

/** Microseconds a call: the median of the batches after the warm-up. */
async function time(
  calls: number,
  batch: (calls: number) => Promise<void> | void,
): Promise<number> {
  const size = Math.ceil(calls / BATCHES);
  const times: number[] = [];
  for (let i = 0; i < BATCHES; i++) {
    const begun = monotonic();
    await batch(size);
    times.push(((monotonic() - begun) * 1000) / size);
  }
  return median(times.slice(WARM_UP));
}

/** What the executor does with a claimed job before it settles it: find the handler, make its context, open what travelled with it, arm the timeout, call. */
async function newExecute(
  app: INestApplicationContext,
): Promise<() => Promise<unknown>> {
  const { HandlerRegistry, JobRun, JobScope, LateTimers } =
    await loadInternals();
  const registry = app.get(HandlerRegistry);
  const scope = app.get(JobScope);
  const timers = new LateTimers();
  return () => {
    const handler = registry.resolve(TYPE)!;
    const run = new JobRun(JOB, 'kyu:default', 'worker', timers);
    return scope.run(run, handler, PAYLOAD);
  };
}

serve({
  measure: async (dispatch: Dispatch): Promise<number> => {
    const app = await boot(dispatch);
    const queue = app.get(QueueService);
    const execute = await newExecute(app);
    const batches = {
      register: (calls: number): void => {
        for (let i = 0; i < calls; i++) queue.register(TYPE, () => undefined);
      },
      execute: async (calls: number): Promise<void> => {
        for (let i = 1; i <= calls; i++) {
          await execute();
          if (i % TURN === 0) await nextTurn();
        }
      },
      parallel: async (calls: number): Promise<void> => {
        for (let i = PARALLEL; i <= calls; i += PARALLEL) {
          await Promise.all(Array.from({ length: PARALLEL }, execute));
          if (i % TURN === 0) await nextTurn();
        }
      },
    };
    const { sent: before } = app.get(MailJobs);
    const micros = await time(dispatch.calls, batches[dispatch.what]);
    const { sent } = app.get(MailJobs);
    await app.close();
    if (dispatch.what !== 'register' && sent - before < dispatch.calls)
      throw new Error(
        `${dispatch.calls} dispatches called the handler ${sent - before} times.`,
      );
    return micros;
  },
} satisfies DispatchTasks);

export type DispatchTasks = {
  measure(dispatch: Dispatch): Promise<number>;
};
