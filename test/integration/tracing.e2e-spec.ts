import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { until } from '@kyu/testing';
import {
  startKyu,
  type StartOptions,
  type TestKyu,
} from '../support/start-kyu.js';

const exporter = new InMemorySpanExporter();

function registerSdk(): void {
  context.setGlobalContextManager(
    new AsyncLocalStorageContextManager().enable(),
  );
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    }),
  );
}

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
  exporter.reset();
});

const spans = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name.startsWith(name));

const contextOf = async (kyu: TestKyu, id: string): Promise<unknown> =>
  (await kyu.queue.inspect(id)).context;

async function runOne(
  start: StartOptions,
): Promise<{ kyu: TestKyu; id: string }> {
  const kyu = await startKyu(start);
  const settled = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', null);
  await settled;
  await until('the span to end', () => spans('process').length > 0);
  return { kyu, id };
}

describe('with an SDK', () => {
  beforeEach(registerSdk);

  it('makes an enqueue and a process span, in two traces, the second linked to the first', async () => {
    const { kyu, id } = await runOne({ handlers: { work: () => 1 } });
    const [enqueue] = spans('enqueue');
    const [process] = spans('process');
    expect(enqueue).toMatchObject({
      name: `enqueue ${kyu.queueName}`,
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'kyu',
        'messaging.operation.name': 'enqueue',
        'messaging.operation.type': 'send',
        'messaging.destination.name': kyu.queueName,
        'messaging.message.id': id,
      },
    });
    expect(process).toMatchObject({
      name: `process ${kyu.queueName}`,
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.system': 'kyu',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': kyu.queueName,
        'messaging.message.id': id,
        'messaging.client.id': expect.stringContaining(':') as string,
        'kyu.job.type': 'work',
        'kyu.job.attempt': 1,
      },
    });
    const { traceId, spanId } = enqueue!.spanContext();
    expect(process!.parentSpanContext).toBeUndefined();
    expect(process!.spanContext().traceId).not.toBe(traceId);
    expect(process!.links.map((link) => link.context)).toEqual([
      expect.objectContaining({ traceId, spanId }),
    ]);
    expect(await contextOf(kyu, id)).toEqual({
      trace: { traceparent: `00-${traceId}-${spanId}-01` },
    });
  });

  it('makes the run a child of the enqueue if asked', async () => {
    await runOne({
      handlers: { work: () => 1 },
      options: { tracing: 'parent' },
    });
    const [enqueue] = spans('enqueue');
    const [process] = spans('process');
    expect(process!.parentSpanContext).toMatchObject({
      traceId: enqueue!.spanContext().traceId,
      spanId: enqueue!.spanContext().spanId,
    });
    expect(process!.links).toEqual([]);
  });

  it('makes none if told not to', async () => {
    const kyu = await startKyu({
      handlers: { work: () => 1 },
      options: { tracing: false },
    });
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('work', null);
    await settled;
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(await contextOf(kyu, id)).toBeNull();
  });

  it('is what the handler’s own spans hang on, and the enqueue hangs on the caller’s', async () => {
    const tracer = trace.getTracer('test');
    const kyu = await startKyu({
      handlers: {
        work: async () => {
          await Promise.resolve();
          tracer.startSpan('inner').end();
        },
      },
    });
    const settled = kyu.nextEvent('job.settled');
    await tracer.startActiveSpan('request', async (span) => {
      await kyu.queue.enqueue('work', null);
      span.end();
    });
    await settled;
    const [request] = spans('request');
    expect(spans('enqueue')[0]!.parentSpanContext?.spanId).toBe(
      request!.spanContext().spanId,
    );
    expect(spans('inner')[0]!.parentSpanContext?.spanId).toBe(
      spans('process')[0]!.spanContext().spanId,
    );
  });

  it('gives calls of the same moment, that share a statement, each its own', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const tracer = trace.getTracer('test');
    const ids = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        tracer.startActiveSpan(name, async (span) => {
          const id = await kyu.queue.enqueue('work', name);
          span.end();
          return { id, traceId: span.spanContext().traceId };
        }),
      ),
    );
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(3);
    for (const { id, traceId } of ids)
      expect(await contextOf(kyu, id)).toEqual({
        trace: {
          traceparent: expect.stringContaining(`00-${traceId}-`) as string,
        },
      });
  });

  it('makes one span for many jobs, which all carry it', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const ids = await kyu.queue.enqueueMany([
      { type: 'work', payload: 1 },
      { type: 'work', payload: 2 },
    ]);
    const [enqueue, ...others] = spans('enqueue');
    expect(others).toEqual([]);
    expect(enqueue!.attributes).toMatchObject({
      'messaging.batch.message_count': 2,
    });
    for (const id of ids)
      expect(JSON.stringify(await contextOf(kyu, id))).toContain(
        enqueue!.spanContext().spanId,
      );
  });

  it('records the error of a failed run', async () => {
    class CardDeclined extends Error {
      override name = 'CardDeclined';
    }
    await runOne({
      handlers: {
        work: () => {
          throw new CardDeclined('no money');
        },
      },
    });
    const [process] = spans('process');
    expect(process).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'no money' },
      attributes: { 'error.type': 'CardDeclined' },
      events: [
        {
          name: 'exception',
          attributes: {
            'exception.type': 'CardDeclined',
            'exception.message': 'no money',
            'exception.stacktrace': expect.stringContaining(
              'no money',
            ) as string,
          },
        },
      ],
    });
  });

  it('ends the span of a run that timed out, and says why', async () => {
    await runOne({
      handlers: { work: () => new Promise(() => undefined) },
      options: { timeout: 50, maxRetries: 0 },
    });
    expect(spans('process')[0]).toMatchObject({
      attributes: { 'error.type': 'JobTimeoutError' },
    });
  });

  it('runs a job whose row holds nonsense instead of a context', async () => {
    const kyu = await startKyu({
      options: { mode: 'producer' },
      handlers: { work: () => 1 },
    });
    for (const nonsense of [
      '7',
      '[]',
      '{"trace":7}',
      '{"trace":{"traceparent":7,"tracestate":{}}}',
    ]) {
      const id = await kyu.queue.enqueue('work', null);
      await kyu.sql('UPDATE jobs SET context = $2 WHERE id = $1', [
        id,
        nonsense,
      ]);
    }
    expect(await kyu.queue.runOnce()).toMatchObject({ completed: 4 });
  });
});

describe('without an SDK', () => {
  it('stores nothing', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const id = await kyu.queue.enqueue('work', null);
    expect(await contextOf(kyu, id)).toBeNull();
  });

  it('begins with the first enqueue after one is registered', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    registerSdk();
    await kyu.queue.enqueue('work', null);
    expect(spans('enqueue')).toHaveLength(1);
  });
});
