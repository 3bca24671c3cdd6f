// nestjs-cls is CommonJS that requires Nest's ESM, which Jest cannot load below Node 24.9: so this runs in a process of its own, on the compiled library.
// Arguments: the library's entry, the options as JSON. Prints what the job saw, as JSON.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';

const [, , library, options] = process.argv;
const { KyuModule, QueueService } = await import(library);

const app = await NestFactory.createApplicationContext(
  {
    module: class {},
    imports: [
      ClsModule.forRoot({ global: true }),
      KyuModule.forRootAsync({
        metricsPath: false,
        inject: [ClsService],
        useFactory: (cls) => ({
          ...JSON.parse(options),
          mode: 'producer',
          context: {
            capture: () => (cls.isActive() ? cls.get() : undefined),
            run: (context, next) => cls.runWith({ ...context }, next),
          },
        }),
      }),
    ],
  },
  { logger: ['error', 'warn'] },
);
const cls = app.get(ClsService);
const queue = app.get(QueueService);

queue.use({
  intercept: (_, next) => {
    cls.set('interceptor', `saw ${cls.get('tenant')}`);
    return next.handle();
  },
});
queue.register('work', async () => {
  await Promise.resolve();
  return { ...cls.get(), active: cls.isActive() };
});

const ids = await Promise.all(
  ['acme', 'globex'].map((tenant) =>
    cls.runWith({ tenant }, () => queue.enqueue('work', null)),
  ),
);
ids.push(await queue.enqueue('work', null)); // outside of every context
await queue.runOnce();
const jobs = await Promise.all(ids.map((id) => queue.inspect(id)));
await app.close();
console.log(JSON.stringify(jobs.map(({ result }) => result)));
