import { Injectable } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Registrations } from './config/registrations.js';
import { DecoratorCheck } from './handlers/decorator-check.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { JobListeners } from './listeners/job-listeners.js';

/**
 * Is responsible for the handlers and listeners of modules that the application loads lazily. Nest calls
 * no hook for these modules, so the application's `LazyModuleLoader` tells when one was loaded.
 */
@Injectable()
export class LazyModules {
  private isStarted = false;
  private loading = 0;

  constructor(
    loader: LazyModuleLoader,
    private readonly registrations: Registrations,
    private readonly decorators: DecoratorCheck,
    private readonly handlers: HandlerRegistry,
    private readonly listeners: JobListeners,
  ) {
    const load = loader.load.bind(loader);
    loader.load = async (...args) => {
      this.loading++;
      try {
        return await load(...args);
      } finally {
        await this.loaded();
      }
    };
  }

  /** From now on. What was loaded before, the boot finds. */
  start(): void {
    this.isStarted = true;
  }

  /** While another module is being loaded, its providers are seen, and not all of them are made. */
  private async loaded(): Promise<void> {
    this.loading--;
    if (this.isStarted && this.loading === 0) await this.takeIn();
  }

  /** @throws as the boot does: `load()` rejects. */
  private async takeIn(): Promise<void> {
    const { isFirst } = this.registrations;
    if (isFirst) this.decorators.refuseMisplaced();
    await this.handlers.loadNew();
    this.listeners.start();
    if (isFirst) this.decorators.warnOfLost();
  }
}
