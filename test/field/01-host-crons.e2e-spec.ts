import { jest } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import {
  Cron,
  Interval,
  ScheduleModule,
  SchedulerRegistry,
  Timeout,
} from '@nestjs/schedule';
import { KyuModule, kyuSchedule } from '@kyu/nestjs';
import { Pruner } from '@kyu/nestjs/testing-internals';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';

const AGENTS = 3;
/** Long after the first timeout of the host, which would have run twice by then. */
const LATER_MS = 120;

type Imports = NonNullable<ModuleMetadata['imports']>;

/** Boots a host with one method of each kind beside Kyu. */
async function boot(
  imports: (kyu: Imports[number]) => Imports,
  deepHash = false,
) {
  const calls: string[] = [];
  @Injectable()
  class Host {
    constructor(readonly registry: SchedulerRegistry) {}
    @Cron('0 0 3 * * *', { name: 'bill' })
    bill(): void {
      calls.push('cron');
    }
    @Interval('poll', 3_600_000)
    poll(): void {}
    @Timeout('warm up', 1)
    warmUp(): void {
      calls.push('timeout');
    }
    @Timeout('later', LATER_MS)
    later(): void {
      calls.push('later');
    }
  }
  @Module({ providers: [Host] })
  class HostModule {}
  const ground = newGround();
  const app = await bootApp(
    {
      imports: [...imports(KyuModule.forRoot(ground.options())), HostModule],
    },
    undefined,
    { moduleIdGeneratorAlgorithm: deepHash ? 'deep-hash' : 'reference' },
  );
  const registries = new Set(
    [...app.get(ModulesContainer).values()].flatMap(
      ({ providers }) =>
        (providers.get(SchedulerRegistry)?.instance as
          SchedulerRegistry | undefined) ?? [],
    ),
  );
  const all = <T>(read: (registry: SchedulerRegistry) => T[]): T[] =>
    [...registries].flatMap(read);
  return {
    app,
    calls,
    registries,
    injected: app.get(Host).registry,
    warnings: ground.logger.messages('warn'),
    scheduled: {
      crons: all((each) => [...each.getCronJobs().keys()]),
      intervals: all((each) => each.getIntervals()).filter(
        (name) => name === 'poll',
      ),
      agents: all((each) => each.getIntervals()).filter(
        (name) => name !== 'poll',
      ).length,
      timeouts: all((each) => each.getTimeouts()),
    },
  };
}

const ONCE = {
  crons: ['bill'],
  intervals: ['poll'],
  agents: AGENTS,
  timeouts: ['warm up', 'later'],
};

@Module({ imports: [ScheduleModule.forRoot()] })
class Feature {}

const billing = () =>
  KyuModule.forRootAsync({
    name: 'billing',
    useFactory: () => newGround().options(),
  });

describe('field 01: cron jobs of the host, and the agents of Kyu', () => {
  it.each<[string, (kyu: Imports[number]) => Imports, number?]>([
    [
      'ScheduleModule before KyuModule',
      (kyu) => [ScheduleModule.forRoot(), kyu],
    ],
    [
      'ScheduleModule after KyuModule',
      (kyu) => [kyu, ScheduleModule.forRoot()],
    ],
    ['ScheduleModule in a feature module', (kyu) => [kyu, Feature]],
    ['kyuSchedule', (kyu) => [kyuSchedule, kyu]],
    ['kyuSchedule twice', (kyu) => [kyuSchedule, kyu, kyuSchedule]],
    [
      'kyuSchedule before a ScheduleModule',
      (kyu) => [kyuSchedule, kyu, Feature],
    ],
    [
      'kyuSchedule after a ScheduleModule',
      (kyu) => [Feature, kyu, kyuSchedule],
    ],
    [
      'forRootAsync() of it',
      (kyu) => [ScheduleModule.forRootAsync({ useFactory: () => ({}) }), kyu],
    ],
    [
      'two registrations',
      (kyu) => [billing(), ScheduleModule.forRoot(), kyu],
      2,
    ],
    [
      'two registrations, kyuSchedule and a ScheduleModule',
      (kyu) => [kyu, kyuSchedule, Feature, billing()],
      2,
    ],
  ])('run once with %s', async (_, imports, registrations = 1) => {
    const host = await boot(imports);
    expect(host.scheduled).toEqual({ ...ONCE, agents: AGENTS * registrations });
    expect(host.warnings).toEqual([]);
    await until('the later timeout', () => host.calls.includes('later'));
    expect(host.calls).toEqual(['timeout', 'later']);
    // What the host injects, and what `app.get()` finds, holds the cron jobs of the host.
    expect(host.registries.size).toBe(1);
    for (const registry of [host.injected, host.app.get(SchedulerRegistry)])
      expect([...registry.getCronJobs().keys()]).toEqual(['bill']);
    // Kyu's own discovery, which sees nothing of the host, is not in its way.
    const discovered = host.app.get(DiscoveryService).getProviders();
    expect(discovered.map(({ name }) => name)).toContain('Host');
    await host.app.close();
    expect(host.injected.getIntervals()).toEqual([]);
    expect(host.injected.getCronJobs().size).toBe(0);
  });

  it('run once when modules have ids by their content', async () => {
    const host = await boot((kyu) => [ScheduleModule.forRoot(), kyu], true);
    expect(host.scheduled).toEqual(ONCE);
  });

  it.each<[string, Imports]>([
    [
      'forRoot()',
      [ScheduleModule.forRoot({ intervals: false, cronJobs: false })],
    ],
    [
      'forRootAsync()',
      [
        ScheduleModule.forRootAsync({
          useFactory: async () => ({ intervals: false, cronJobs: false }),
        }),
      ],
    ],
    [
      'forRoot() beside kyuSchedule',
      [
        kyuSchedule,
        ScheduleModule.forRoot({ intervals: false, cronJobs: false }),
      ],
    ],
  ])(
    'stay off when the host turns its own off by %s, and the agents run',
    async (_, imports) => {
      const host = await boot((kyu) => [...imports, kyu]);
      expect(host.scheduled).toEqual({ ...ONCE, crons: [], intervals: [] });
      expect(host.warnings).toEqual([]);
      const { cadence } = host.app.get(Pruner) as unknown as {
        cadence: { tick(): void };
      };
      const tick = jest.spyOn(cadence, 'tick');
      await until('an agent to tick', () => tick.mock.calls.length > 0);
    },
  );

  it('stay off when the host imports no ScheduleModule: Kyu starts its agents only', async () => {
    const calls: string[] = [];
    @Injectable()
    class Host {
      @Timeout(1)
      warmUp(): void {
        calls.push('timeout');
      }
    }
    const app = await bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Host],
    });
    const registry = app.get(SchedulerRegistry);
    expect(registry.getTimeouts()).toEqual([]);
    expect(registry.getIntervals()).toHaveLength(AGENTS);
    const { cadence } = app.get(Pruner) as unknown as {
      cadence: { tick(): void };
    };
    const tick = jest.spyOn(cadence, 'tick');
    await until('an agent to tick', () => tick.mock.calls.length > 0);
    expect(calls).toEqual([]);
  });

  it('warn of two ScheduleModules that the host itself imports', async () => {
    const { warnings } = await boot((kyu) => [
      ScheduleModule.forRoot(),
      kyu,
      Feature,
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /ScheduleModule is imported 2 times by this application.*runs 2 times.*Import it once/,
      ),
    ]);
  });
});
