import kyu = require('@kyu/nestjs');
import terminus = require('@kyu/nestjs/terminus');
import testing = require('@kyu/testing');
import embedded = require('@kyu/embedded');
import core = require('@nestjs/core');

/** What an application that is still CommonJS gets by `require()`: all names, and a queue that works. */
async function main(): Promise<void> {
  const app = await core.NestFactory.createApplicationContext(
    kyu.KyuModule.forRoot({
      postgres: {
        url: process.env['KYU_POSTGRES_URL'],
        schema: process.env['SCHEMA'],
      },
      redis: { url: process.env['KYU_REDIS_URL'] },
      metricsPort: 0,
      queueName: process.env['QUEUE'],
    }),
    { logger: ['error', 'warn'] },
  );
  const queue = app.get(kyu.QueueService);
  queue.register('add', ({ a, b }: { a: number; b: number }) => a + b);
  const settled = testing.nextEvent(app.get(kyu.KyuEvents), 'job.settled');
  const id = await queue.enqueue('add', { a: 1, b: 2 });
  await settled;
  const { status, result } = await queue.inspect(id);
  await app.close();
  const names = [kyu, terminus, testing, embedded].map((library) =>
    Object.keys(library).sort(),
  );
  console.log(JSON.stringify({ names, status, result }));
}

void main();
