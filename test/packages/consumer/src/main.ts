import { resolveServers } from '@kyu/embedded';
import { KyuEvents, QueueService } from '@kyu/nestjs';
import { nextEvent } from '@kyu/testing';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** One job from an HTTP request to its result; then everything is closed, and nothing must keep the process alive. */
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
  body: JSON.stringify({ name: 'Ada' }),
});
const { id } = (await response.json()) as { id: string };
await settled;
const { status, result } = await app.get(QueueService).inspect(id);
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
    health: health.details.kyu.status,
    metrics: metrics.includes('kyu_jobs_total'),
  }),
);
