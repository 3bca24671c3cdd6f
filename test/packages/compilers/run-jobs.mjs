// Runs the examples of README and guides on real servers, and tells what became of their jobs. Plain JavaScript: only the examples are compiled.
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KyuEvents, KyuModule, QueueService } from '@kyu/nestjs';

/** More than Node's limit of listeners for one emitter. */
const WAITS = 20;

export async function runJobs({ tour, pipeline, validation, typed, explicit }) {
  const sent = [];
  globalThis.fetch = async (_url, { body, signal }) => {
    sent.push([JSON.parse(body), signal instanceof AbortSignal]);
  };
  const warnings = [];
  // The jobs that are meant to be refused are in the log, too.
  const warn = (line) => {
    if (!String(line).startsWith('Job ')) warnings.push(String(line));
  };
  class App {}
  Module({
    imports: [
      KyuModule.forRoot({
        postgres: {
          url: process.env.KYU_POSTGRES_URL,
          schema: process.env.SCHEMA,
        },
        redis: { url: process.env.KYU_REDIS_URL },
        queueName: process.env.QUEUE,
        metricsPort: 0,
        logger: { log: () => undefined, warn, error: warn },
      }),
    ],
    controllers: [tour.SignupController],
    providers: [
      tour.EmailJobs,
      pipeline.InvoiceJobs,
      validation.WelcomeJobs,
      typed.InvitationJobs,
      explicit.InviteJobs,
      explicit.Invites,
    ],
  })(App);
  const app = await NestFactory.createApplicationContext(App, {
    logger: ['error', 'warn'],
  });
  const queue = app.get(QueueService);
  const ended = new Set();
  app.get(KyuEvents).on('job.settled', ({ id }) => ended.add(id));
  queue.register('waits', (_, { signal }) =>
    Promise.all(
      Array.from({ length: WAITS }, () => sleep(1, undefined, { signal })),
    ).then((waits) => waits.length),
  );

  const end = async (id) => {
    while (!ended.has(id)) await sleep(5);
    const { status, result, errorMessage } = await queue.inspect(id);
    return status === 'completed' ? result : `${status}: ${errorMessage}`;
  };
  const run = async (type, payload) => end(await queue.enqueue(type, payload));
  const signup = async () => {
    const { id } = await app
      .get(tour.SignupController)
      .signup({ email: 'ada@example.com' });
    await end(id);
    return sent;
  };
  const outcomes = {
    signup: await signup().catch((error) => error.message),
    invoice: (await run('send_invoice', { tenant: 'acme', cents: 7 })).replace(
      /, says .*/,
      '',
    ),
    noInvoice: await run('send_invoice', { tenant: 'acme', cents: 'seven' }),
    closed: await run('send_invoice', { tenant: 'closed', cents: 7 }),
    welcome: await run('welcome', { to: 'ada@example.com' }),
    noWelcome: await run('welcome', { to: 'nobody' }),
    invitation: await run('invite', { to: 'ada@example.com', seats: 2 }),
    invite: await end(await app.get(explicit.Invites).invite('a@example.com')),
    noInvite: await run('invite_friend', { to: 'nobody' }),
    waits: await run('waits', null),
    warnings,
  };
  await app.close();
  return outcomes;
}
