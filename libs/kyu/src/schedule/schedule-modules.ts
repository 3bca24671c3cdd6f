import type { ModulesContainer } from '@nestjs/core';
import type { Module } from '@nestjs/core/injector/module.js';
import type { ScheduleModuleOptions } from '@nestjs/schedule';

/** The token of its options in each `ScheduleModule`; @nestjs/schedule does not export it. */
const OPTIONS = 'SCHEDULE_MODULE_OPTIONS';

/**
 * Marks the two `ScheduleModule`s of this package. `Symbol.for`, because those of another copy of the
 * package are not the application's either.
 */
export const KYU_SCHEDULE = Symbol.for('kyu:schedule');

/** `'agents'`: runs only Kyu's agents. `'shared'`: {@link kyuSchedule}, which applications import. */
export type KyuScheduleKind = 'agents' | 'shared';

const kindOf = ({ providers }: Module): KyuScheduleKind | undefined =>
  providers.get(KYU_SCHEDULE)?.instance as KyuScheduleKind | undefined;

/** Every call of `ScheduleModule.forRoot()` by the application itself makes one of these. */
export const applicationSchedules = (modules: ModulesContainer): Module[] =>
  [...modules.values()].filter(
    (module) => module.providers.has(OPTIONS) && kindOf(module) === undefined,
  );

/**
 * The `ScheduleModule`s that run the application's methods. `kyuSchedule` is one of them only if the
 * application has no other, because two of them would run each method twice.
 */
export function activeSchedules(modules: ModulesContainer): Module[] {
  const own = applicationSchedules(modules);
  if (own.length > 0) return own;
  return [...modules.values()]
    .filter((module) => kindOf(module) === 'shared')
    .slice(0, 1);
}

/** Whether this `ScheduleModule` runs `@Interval()` methods. Call it when Nest has made all providers. */
export function runsIntervals({ providers }: Module): boolean {
  const options = providers.get(OPTIONS)?.instance as
    ScheduleModuleOptions | undefined;
  return Boolean(options?.intervals);
}
