import { Module } from '@nestjs/common';
import { PaymentsAlerts } from './payments.alerts.js';
import { PaymentsJobs } from './payments.jobs.js';

@Module({ providers: [PaymentsJobs, PaymentsAlerts] })
export class PaymentsModule {}
