import { Module } from '@nestjs/common';
import { ReportsController } from './reports.controller.js';
import { ReportsJobs } from './reports.jobs.js';

@Module({ controllers: [ReportsController], providers: [ReportsJobs] })
export class ReportsModule {}
