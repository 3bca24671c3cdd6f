import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KyuModule } from '@kyu/nestjs';
import { KyuHealthIndicator } from '@kyu/nestjs/terminus';
import { DataSource } from 'typeorm';
import { GreetingJobs as FarewellJobs } from './farewell';
import { HealthController } from './health.controller';
import { JobsController } from './jobs.controller';
import { Clockwork } from './clockwork';
import { ChargeJobs, GreetingJobs } from './jobs';
import { JobLog, Timing } from './pipeline';
import { Transfers } from './transactions';

const postgres = { schema: process.env['SCHEMA'] };
const redis = { url: process.env['KYU_REDIS_URL'] };

/** The application's own TypeORM for one queue, connections of Kyu's for the other. */
@Module({
  imports: [
    ScheduleModule.forRoot(),
    TerminusModule,
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['KYU_POSTGRES_URL'],
    }),
    KyuModule.forRootAsync({
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => ({
        postgres: { ...postgres, dataSource },
        redis,
        queueName: process.env['QUEUE'],
        metricsPort: 0,
        interceptors: [Timing],
      }),
    }),
    KyuModule.forRoot({
      name: 'billing',
      postgres: { ...postgres, url: process.env['KYU_POSTGRES_URL'] },
      redis,
      queueName: `${process.env['QUEUE']}-billing`,
      metricsPort: 0,
    }),
  ],
  controllers: [JobsController, HealthController],
  providers: [
    GreetingJobs,
    FarewellJobs,
    ChargeJobs,
    Clockwork,
    JobLog,
    Transfers,
    KyuHealthIndicator,
  ],
})
export class AppModule {}
