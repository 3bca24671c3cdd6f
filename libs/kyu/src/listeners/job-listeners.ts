import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { KyuConfig } from '../config/kyu.config.js';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { JOB_EVENTS, onJobEvent } from '../events/job-events.js';
import { KyuEvents } from '../events/kyu-events.js';
import { whyNoGenerator } from '../handlers/handler-result.js';
import { providedClasses } from '../handlers/provided-classes.js';
import { UNDEFINED_BY_CIRCULAR_IMPORT } from '../runtime/circular-import.js';
import { messageOf } from '../runtime/describe-error.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { showValue } from '../runtime/show-value.js';
import {
  readJobListeners,
  type JobListenerMetadata,
} from './on-job-event.decorator.js';

/** Is responsible for the `@OnJobEvent()` methods of all providers and controllers: it finds them, and calls them for the jobs of this queue. */
@Injectable()
export class JobListeners {
  private stops: (() => void)[] = [];
  private readonly known = new WeakSet<object>();

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly events: KyuEvents,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** Those of all providers and controllers that are new since the last call. @throws {InvalidOptionsError} for a listener that could never be called. */
  start(): void {
    for (const { wrapper, prototype } of providedClasses(this.discovery)) {
      if (this.known.has(wrapper)) continue;
      this.known.add(wrapper);
      for (const name of this.scanner.getAllMethodNames(prototype))
        for (const listener of readJobListeners(prototype[name]!))
          this.listen(wrapper, name, prototype[name], listener);
    }
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private listen(
    wrapper: InstanceWrapper,
    name: string,
    method: unknown,
    { event, jobType, isTyped }: JobListenerMetadata,
  ): void {
    const place = `@OnJobEvent(${showValue(event)}) of ${wrapper.name}.${name} (${wrapper.host?.name ?? 'no module'})`;
    if (!JOB_EVENTS.includes(event))
      throw new InvalidOptionsError([
        `${place}: there is no such event; there are ${JOB_EVENTS.join(', ')}`,
      ]);
    if (isTyped && jobType === undefined)
      throw new InvalidOptionsError([
        `${place}: its job type is ${UNDEFINED_BY_CIRCULAR_IMPORT}; for all types leave it out`,
      ]);
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
      throw new InvalidOptionsError([
        `${place} would never be called: its provider is made anew for each request, and an event has none; put the listener into a provider of the default scope`,
      ]);
    const generator = whyNoGenerator(method);
    if (generator) throw new InvalidOptionsError([`${place} ${generator}`]);
    this.stops.push(
      onJobEvent(this.events, this.config.queueName, event, (data) => {
        if (jobType !== undefined && data.jobType !== jobType) return;
        const instance = wrapper.instance as Record<
          string,
          (event: unknown) => unknown
        >;
        // `async` turns a synchronous throw into a rejection.
        const call = async (): Promise<unknown> => instance[name]!(data);
        call().catch((error: unknown) =>
          this.logger.limited(
            'error',
            place,
            'errors',
            () => `${place} threw: ${messageOf(error)}`,
          ),
        );
      }),
    );
  }
}
