import type { DynamicModule, Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  AgentDiscovery,
  SCHEDULE_DISCOVERY,
  SharedDiscovery,
} from './schedule/schedule-discovery.js';
import {
  isExplorer,
  KyuScheduleExplorer,
} from './schedule/schedule-explorer.js';
import {
  KYU_SCHEDULE,
  type KyuScheduleKind,
} from './schedule/schedule-modules.js';
import { schedulerRegistry } from './schedule/schedule-registry.js';

/** A class of its own: what an application overrides of `ScheduleModule` in its tests is not meant for Kyu's. */
class KyuScheduleModule extends ScheduleModule {}

function newSchedule(
  kind: KyuScheduleKind,
  discovery: typeof AgentDiscovery | typeof SharedDiscovery,
): DynamicModule {
  const { providers = [], ...definition } = ScheduleModule.forRoot();
  const inOurs: Provider[] = [
    { provide: KYU_SCHEDULE, useValue: kind },
    {
      provide: SCHEDULE_DISCOVERY,
      inject: [ModulesContainer],
      useFactory: (modules: ModulesContainer) => new discovery(modules),
    },
    {
      provide: SchedulerRegistry,
      inject: [ModulesContainer],
      useFactory: (modules: ModulesContainer) =>
        schedulerRegistry(kind, modules),
    },
  ];
  return {
    ...definition,
    module: KyuScheduleModule,
    providers: [
      ...providers.filter((each) => !isExplorer(each)),
      KyuScheduleExplorer,
      ...inOurs,
    ],
  };
}

/**
 * Runs the `@Interval()`s of Kyu's agents where no `ScheduleModule` of the application does, and
 * nothing else: whether and how often an application's own methods run is for the application to say.
 */
export const agentSchedule: DynamicModule = {
  ...newSchedule('agents', AgentDiscovery),
  global: false,
  exports: [],
};

/**
 * A `ScheduleModule` that runs the `@Cron()`, `@Interval()` and `@Timeout()` methods of the application,
 * each once however often it is imported, and none where the application also calls
 * `ScheduleModule.forRoot()`. An application needs it no more: `ScheduleModule.forRoot()` beside
 * `KyuModule.forRoot()` is as good.
 *
 * @publicApi
 */
export const kyuSchedule: DynamicModule = newSchedule(
  'shared',
  SharedDiscovery,
);
