import type { ModulesContainer } from '@nestjs/core';
import { Injector } from '@nestjs/core/injector/injector.js';
import { SchedulerRegistry } from '@nestjs/schedule';
import {
  activeSchedules,
  KYU_SCHEDULE,
  type KyuScheduleKind,
} from './schedule-modules.js';

/**
 * The `SchedulerRegistry` of a `ScheduleModule` of Kyu: that of the one that runs the application's
 * methods, if there is one. Whichever module Nest takes it from, the application gets the registry
 * that holds its cron jobs.
 */
export async function schedulerRegistry(
  kind: KyuScheduleKind,
  modules: ModulesContainer,
): Promise<SchedulerRegistry> {
  const [active] = activeSchedules(modules);
  const isThisOne = kind === 'shared' && active?.providers.has(KYU_SCHEDULE);
  if (!active || isThisOne) return new SchedulerRegistry();
  const wrapper = active.providers.get(SchedulerRegistry)!;
  // Nest may not have made it yet.
  await new Injector().loadProvider(wrapper, active);
  return wrapper.instance as SchedulerRegistry;
}
