import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type JobContext,
  type KyuOptions,
} from '../../libs/kyu/src/index.js';

/** Entry of the processes that kyu-child.ts starts. `at`: nanoseconds of the machine's monotonic clock, as text. */
export type ChildReport =
  | { kind: 'ready'; id?: undefined; at: string }
  | { kind: 'start' | 'end'; id: string; token: number; at: string }
  | { kind: 'abort'; id: string; reason: string; at: string }
  | { kind: 'acked'; id: string; at: string }
  | { kind: 'fenced' | 'closed'; id?: undefined; at: string }
  | { kind: 'memory'; id?: undefined; rss: number; at: string };

type Unstamped = ChildReport extends infer R
  ? R extends unknown
    ? Omit<R, 'at'>
    : never
  : never;

const at = (): string => String(process.hrtime.bigint());
const report = (what: Unstamped): void => {
  process.send?.({ ...what, at: at() });
};

let open: () => void = () => undefined;
const opened = new Promise<void>((resolve) => {
  open = resolve;
});

function noticed<T>(
  work: (payload: T, context: JobContext) => unknown,
): (payload: T, context: JobContext) => Promise<unknown> {
  return async (payload, context) => {
    const { id, token } = context;
    context.signal.addEventListener('abort', () =>
      report({
        kind: 'abort',
        id,
        reason: (context.signal.reason as Error).name,
      }),
    );
    report({ kind: 'start', id, token });
    const result = await work(payload, context);
    report({ kind: 'end', id, token });
    return result;
  };
}

const handlers = {
  quick: () => undefined,
  /** Until the parent says so, whatever the signal says. */
  hold: noticed(() => opened),
  /** Until its signal aborts. */
  patient: noticed(
    (_, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      }),
  ),
  /** Nothing else of this thread runs meanwhile. */
  block: noticed((ms: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }),
};

const options = JSON.parse(process.argv[2]!) as KyuOptions;

@Module({ imports: [KyuModule.forRoot({ metricsPort: 0, ...options })] })
class App {}

const app = await NestFactory.createApplicationContext(App, { logger: false });
const queue = app.get(QueueService);
for (const [type, handler] of Object.entries(handlers))
  queue.register(type, handler as () => unknown);
app.get(KyuEvents).on('worker.fenced', () => report({ kind: 'fenced' }));
app.enableShutdownHooks([], { useProcessExit: true });

process.on('message', (message: 'open' | 'memory' | { enqueue: number }) => {
  if (message === 'open') open();
  else if (message === 'memory')
    report({ kind: 'memory', rss: process.memoryUsage.rss() });
  else void enqueue(message.enqueue);
});
process.on('disconnect', () => process.exit(1)); // the tests are gone

async function enqueue(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      report({ kind: 'acked', id: await queue.enqueue('quick', null) });
    }),
  );
}

await app.init();
report({ kind: 'ready' });
