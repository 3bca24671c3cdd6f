import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { getQueueToken, QueueService } from '@kyu/nestjs';
import { nextEvent } from '@kyu/testing';
import { AppModule } from './app.module';
import { Clockwork } from './clockwork';
import { JobLog } from './pipeline';
import { Transfers } from './transactions';

/** Jobs of both queues, each from an HTTP request to its end; then everything is closed, and nothing must keep the process alive. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, {
    logger: ['error', 'warn'],
  });
  // Written for HTTP, so jobs do not meet it.
  app.useGlobalInterceptors({
    intercept: (context, next) => {
      app.get(JobLog).lines.push(`global interceptor: ${context.getType()}`);
      return next.handle();
    },
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const main = app.get(QueueService);
  const billing = app.get<QueueService>(getQueueToken('billing'));

  async function post(queue: QueueService, path: string, body: unknown) {
    const settled = nextEvent(queue.events, 'job.settled');
    const response = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { id } = (await response.json()) as { id: string };
    await settled;
    const { status, result } = await queue.inspect(id);
    return { status, result };
  }

  const greeting = await post(main, 'greetings', { name: 'Ada' });
  const shipped = await post(main, 'orders', { order: 'no. 7' });
  const paid = await post(billing, 'charges', { paid: true });
  const unpaid = await post(billing, 'charges', { paid: false });
  const settled = nextEvent(main.events, 'job.settled');
  const id = await app.get(Transfers).enqueue();
  await settled;
  const { result: transfer } = await main.inspect(id);
  const log = [...app.get(JobLog).lines]; // the next request is no job's
  const left = nextEvent(main.events, 'job.settled');
  const farewellId = await main.enqueue('farewell', { name: 'Ada' });
  await left;
  const { result: farewell } = await main.inspect(farewellId);
  const metrics = await (await fetch(`${url}/metrics/billing`)).text();
  const health = (await (await fetch(`${url}/health`)).json()) as {
    details: { kyu: { status: string } };
  };
  const schedule = {
    timeouts: app.get(Clockwork).timeouts,
    crons: [...app.get(SchedulerRegistry).getCronJobs().keys()],
  };
  await app.close();
  console.log(
    JSON.stringify({
      greeting,
      shipped,
      paid,
      unpaid,
      transfer,
      farewell,
      health: health.details.kyu.status,
      log,
      metrics: /kyu_jobs_total{queue="billing"} \d/.exec(metrics)?.[0],
      schedule,
    }),
  );
}

void main();
