import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KyuModule } from '@kyu/nestjs';
import { DataSource } from 'typeorm';
import { JobsController } from './jobs.controller';
import { ChargeJobs, GreetingJobs } from './jobs';
import { JobLog, Timing } from './pipeline';
import { Transfers } from './transactions';

const postgres = { schema: process.env['SCHEMA'] };
const redis = { url: process.env['KYU_REDIS_URL'] };

/** The application's own TypeORM for one queue, connections of Kyu's for the other. */
@Module({
  imports: [
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
  controllers: [JobsController],
  providers: [GreetingJobs, ChargeJobs, JobLog, Transfers],
})
export class AppModule {}
