import { Module } from '@nestjs/common';
import { ReportsJobs } from './reports.jobs.js';

@Module({ providers: [ReportsJobs] })
export class ReportsModule {}
