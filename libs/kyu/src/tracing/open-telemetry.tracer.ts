import { types } from 'node:util';
import type {
  Attributes,
  Context,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
} from '@opentelemetry/api';
import { JobTracer, type TraceCarrier } from '../context/job-tracer.js';
import type { JobContext } from '../handlers/job-parameters.decorator.js';
import { describeError } from '../runtime/describe-error.js';

type Api = typeof import('@opentelemetry/api');

/** What spans of this library are filed under. */
const LIBRARY = '@kyu/nestjs';

/**
 * Is responsible for the spans, by OpenTelemetry's conventions for messaging: `enqueue {queue}` around what stores jobs, `process {queue}` around each run. Without
 * an SDK in the process nothing is made and nothing stored.
 */
export class OpenTelemetryTracer extends JobTracer {
  constructor(
    private readonly api: Api,
    /** How a run refers to its enqueue: in a trace of its own with a link, or as a child in the same trace. */
    private readonly relation: 'link' | 'parent',
  ) {
    super();
  }

  override enqueue<T>(
    queue: string,
    ids: readonly string[],
    store: (trace: TraceCarrier | undefined) => Promise<T>,
  ): Promise<T> {
    const tracer = this.tracer();
    if (!tracer) return store(undefined);
    const { context, propagation, SpanKind, trace } = this.api;
    const [id] = ids;
    const span = tracer.startSpan(`enqueue ${queue}`, {
      kind: SpanKind.PRODUCER,
      attributes: {
        ...operation('enqueue', 'send', queue),
        ...(ids.length === 1
          ? { 'messaging.message.id': id }
          : { 'messaging.batch.message_count': ids.length }),
      },
    });
    const inside = trace.setSpan(context.active(), span);
    const carrier: TraceCarrier = {};
    propagation.inject(inside, carrier);
    const travels = Object.keys(carrier).length > 0 ? carrier : undefined;
    return this.within(span, inside, () => store(travels));
  }

  override process<T>(
    job: JobContext,
    carrier: TraceCarrier | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const tracer = this.tracer();
    if (!tracer) return work();
    const { propagation, ROOT_CONTEXT, SpanKind, trace } = this.api;
    // Not from the context that the worker happens to run in: whose it is says nothing about the job.
    const origin = propagation.extract(ROOT_CONTEXT, carrier ?? {});
    const span = tracer.startSpan(
      `process ${job.queue}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          ...operation('process', 'process', job.queue),
          'messaging.message.id': job.id,
          'messaging.client.id': job.worker,
          'kyu.job.type': job.type,
          'kyu.job.attempt': job.attempt,
        },
        ...this.relatedTo(trace.getSpanContext(origin)),
      },
      origin,
    );
    return this.within(span, trace.setSpan(origin, span), work);
  }

  private relatedTo(
    enqueue: SpanContext | undefined,
  ): Pick<SpanOptions, 'links' | 'root'> {
    if (this.relation === 'parent' || !enqueue) return {};
    return { root: true, links: [{ context: enqueue }] };
  }

  /** Calls `work` in the context of the span, and ends the span with it. */
  private async within<T>(
    span: Span,
    inside: Context,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await this.api.context.with(inside, work);
    } catch (thrown) {
      const { message, stack } = describeError(thrown);
      const type = nameOf(thrown);
      span.recordException({ name: type, message, ...(stack && { stack }) });
      span.setAttribute('error.type', type);
      span.setStatus({ code: this.api.SpanStatusCode.ERROR, message });
      throw thrown;
    } finally {
      span.end();
    }
  }

  /** Undefined while no SDK is registered. Asked each time: an SDK may come later than this object. */
  private tracer(): Tracer | undefined {
    const { ProxyTracerProvider, trace } = this.api;
    const provider = trace.getTracerProvider();
    return provider instanceof ProxyTracerProvider
      ? provider.getDelegateTracer(LIBRARY)
      : provider.getTracer(LIBRARY);
  }
}

const operation = (name: string, type: string, queue: string): Attributes => ({
  'messaging.system': 'kyu',
  'messaging.operation.name': name,
  'messaging.operation.type': type,
  'messaging.destination.name': queue,
});

/** JavaScript may throw anything; `_OTHER` is the convention's word for what has no name. */
const nameOf = (thrown: unknown): string =>
  types.isNativeError(thrown) ? thrown.name : '_OTHER';
