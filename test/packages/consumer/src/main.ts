import { resolveServers } from '@kyu/embedded';
import {
  JobNotFoundError,
  KYU_DATA_SOURCE,
  KyuEvents,
  QueueService,
} from '@kyu/nestjs';
import { nextEvent } from '@kyu/testing';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { Greet, Quarrel } from './greeting.job.js';

/** One job from an HTTP request to its result, one that a filter ends, one of a transaction that is rolled back; then everything is closed, and nothing must keep the process alive. */
const servers = await resolveServers();
const app = await NestFactory.create(
  AppModule.with({
    postgres: { url: servers.postgresUrl, schema: process.env['SCHEMA'] },
    redis: { url: servers.redisUrl },
    metricsPort: 0,
    queueName: process.env['QUEUE'],
  }),
  { logger: ['error', 'warn'] },
);
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();

const settled = nextEvent(app.get(KyuEvents), 'job.settled');
const response = await fetch(`${url}/greetings`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name: ' Ada ' }),
});
const { id } = (await response.json()) as { id: string };
await settled;
const queue = app.get(QueueService);
const { status, result } = await queue.inspect(id);

const quarrelled = nextEvent(app.get(KyuEvents), 'job.settled');
const quarrel = await queue.enqueue(Quarrel, null);
await quarrelled;
const { result: sorry } = await queue.inspect(quarrel);

let gone = '';
await app
  .get<DataSource>(getDataSourceToken(KYU_DATA_SOURCE))
  .transaction(async (manager) => {
    gone = await queue.enqueue(Greet, { name: 'nobody' }, { manager });
    throw new Error('on purpose');
  })
  .catch(() => undefined);
const rolledBack = await queue.inspect(gone).then(
  () => false,
  (error: unknown) => error instanceof JobNotFoundError,
);
const health = (await (await fetch(`${url}/health`)).json()) as {
  details: { kyu: { status: string } };
};
const metrics = await (await fetch(`${url}/metrics`)).text();

await app.close();
await servers.stop();
console.log(
  JSON.stringify({
    servers: servers.description,
    status,
    result,
    sorry,
    rolledBack,
    health: health.details.kyu.status,
    metrics: metrics.includes('kyu_jobs_total'),
  }),
);
