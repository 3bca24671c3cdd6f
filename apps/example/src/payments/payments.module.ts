import { Module } from '@nestjs/common';
import { PaymentsJobs } from './payments.jobs.js';

@Module({ providers: [PaymentsJobs] })
export class PaymentsModule {}
