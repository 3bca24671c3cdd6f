import { Inject } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ScheduleExplorer } from '@nestjs/schedule';
import { SCHEDULE_DISCOVERY } from './schedule-discovery.js';

/** The explorer of @nestjs/schedule, which finds only what our discovery shows. */
export class KyuScheduleExplorer extends ScheduleExplorer {}

// Written out, a constructor would need classes that @nestjs/schedule does not export.
const parameters = Reflect.getMetadata(
  'design:paramtypes',
  ScheduleExplorer,
) as unknown[];
Inject(SCHEDULE_DISCOVERY)(
  KyuScheduleExplorer,
  undefined,
  parameters.indexOf(DiscoveryService),
);
