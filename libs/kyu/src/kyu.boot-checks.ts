import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { KyuConfig } from './config/kyu.config.js';
import { refuseClashes } from './config/refuse-clashes.js';
import { Registrations } from './config/registrations.js';
import { DecoratorCheck } from './handlers/decorator-check.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import {
  unprovidedClasses,
  type UnprovidedClass,
} from './handlers/unprovided-classes.js';
import type { KyuLog } from './runtime/kyu-log.js';
import { KyuLogger } from './runtime/kyu-logger.js';
import { ScheduleCheck } from './schedule/schedule-check.js';

/** So many classes are named in one line of the log. */
const MAX_NAMES = 5;

/** Is responsible for saying at boot what is wrong with the application's code, or probably is. The first registration speaks for all. */
@Injectable()
export class BootChecks {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly registrations: Registrations,
    private readonly decorators: DecoratorCheck,
    private readonly schedule: ScheduleCheck,
    private readonly handlers: HandlerRegistry,
    private readonly discovery: DiscoveryService,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** Before anything is loaded. @throws {InvalidOptionsError} */
  refuse(): void {
    refuseClashes(this.registrations.all(KyuConfig));
    if (this.registrations.isFirst) this.decorators.refuseMisplaced();
  }

  /** When all modules of the application are ready, and have registered what they register. */
  warn(): void {
    if (this.registrations.isFirst) {
      this.schedule.run();
      this.decorators.warnOfLost();
      this.tellUnprovided();
    }
    if (this.config.mode === 'worker' && this.handlers.jobTypes.length === 0) {
      const forgotten = this.unprovidedHosts();
      this.logger.warn(
        `${inWords(this.config)} has the mode 'worker' and no handler so far, so this process runs no job of it. ` +
          "Import the modules whose providers have its @JobHandler() methods, or set the mode to 'producer'." +
          (forgotten === '' ? '' : ` No module provides ${forgotten}.`),
      );
    }
  }

  /** The names of classes that have handlers and that no module provides; the empty text for none. */
  unprovidedHosts(): string {
    return unprovidedClasses(this.discovery)
      .filter(({ decorations }) =>
        decorations.some(({ label }) => label.startsWith('@JobHandler(')),
      )
      .map(({ name }) => name)
      .slice(0, MAX_NAMES)
      .join(', ');
  }

  /** No warning: a process may import a class for its name or its type, and leave its jobs to another process, or load its module later. */
  private tellUnprovided(): void {
    if (
      this.registrations.all(KyuConfig).every(({ mode }) => mode === 'producer')
    )
      return;
    for (const unprovided of unprovidedClasses(this.discovery))
      this.logger.debug(
        `${decoratorsOf(unprovided)} of ${unprovided.name} have no effect in this process: no module of this application provides ${unprovided.name}. ` +
          'Add it to the providers of a module, unless another process does this work.',
      );
  }
}

const decoratorsOf = ({ decorations }: UnprovidedClass): string =>
  [...new Set(decorations.map(({ label }) => label))].join(', ');

const inWords = ({ name }: KyuConfig): string =>
  name === undefined ? 'KyuModule' : `The registration '${name}'`;
