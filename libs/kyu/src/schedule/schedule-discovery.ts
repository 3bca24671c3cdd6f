import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Registrations } from '../config/registrations.js';
import { activeSchedules, runsIntervals } from './schedule-modules.js';

/**
 * What the explorer of a module of ours discovers by. Not under `DiscoveryService` itself: the
 * application's `app.get(DiscoveryService)` takes that of any module.
 */
export const SCHEDULE_DISCOVERY = Symbol('kyu:schedule-discovery');

/**
 * What the explorer of @nestjs/schedule sees in the module of Kyu's agents: the providers of
 * `KyuModule`; and nothing where a `ScheduleModule` of the application runs their `@Interval()`s.
 */
export class AgentDiscovery extends DiscoveryService {
  constructor(private readonly modules: ModulesContainer) {
    super(modules);
  }

  override getProviders(): InstanceWrapper[] {
    if (activeSchedules(this.modules).some(runsIntervals)) return [];
    return [...this.modules.values()]
      .filter(({ providers }) => providers.has(Registrations))
      .flatMap(({ providers }) => [...providers.values()]);
  }

  override getControllers(): InstanceWrapper[] {
    return [];
  }
}

/** What it sees in `kyuSchedule`: everything; and nothing where the application has a `ScheduleModule` of its own. */
export class SharedDiscovery extends DiscoveryService {
  constructor(private readonly modules: ModulesContainer) {
    super(modules);
  }

  override getProviders(): InstanceWrapper[] {
    return this.isActive() ? super.getProviders() : [];
  }

  override getControllers(): InstanceWrapper[] {
    return this.isActive() ? super.getControllers() : [];
  }

  private isActive(): boolean {
    return activeSchedules(this.modules).some(
      ({ providers }) => providers.get(SCHEDULE_DISCOVERY)?.instance === this,
    );
  }
}
