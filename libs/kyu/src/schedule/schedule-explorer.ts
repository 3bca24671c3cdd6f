import { Inject, type Provider, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { SCHEDULE_DISCOVERY } from './schedule-discovery.js';

const dependenciesOf = (provider: Provider): unknown[] =>
  (typeof provider === 'function' &&
    (Reflect.getMetadata('design:paramtypes', provider) as
      unknown[] | undefined)) ||
  [];

/** The class of @nestjs/schedule that explores; up to version 6 it is not exported. */
export const isExplorer = (provider: Provider): provider is Type =>
  dependenciesOf(provider).includes(DiscoveryService);

const Explorer = ScheduleModule.forRoot().providers!.find(isExplorer)!;

/** The explorer of @nestjs/schedule, which finds only what our discovery shows. */
export class KyuScheduleExplorer extends Explorer {}

Inject(SCHEDULE_DISCOVERY)(
  KyuScheduleExplorer,
  undefined,
  dependenciesOf(Explorer).indexOf(DiscoveryService),
);
