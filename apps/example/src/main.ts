import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { resolveServers } from '@kyu/embedded';
import { JobLogger } from '@kyu/nestjs';
import { AppModule } from './app.module.js';
import { introduceApi, psqlCommand } from './introduce.js';
import { settingsFromEnv, type ShopSettings } from './settings.js';
import { stopSignal } from './stop-signal.js';

// `npm start`: the shop, until Ctrl-C. KYU_MODE says what this process is: `producer` (the API alone), `worker` (jobs alone, no HTTP
// server) or `both`.

/** A failed boot is ours to end: the servers have to stop. Nest has logged it by then. */
const OPTIONS = { abortOnError: false, logger: new JobLogger() };

// Also of errors that Nest logs with its stacks: the last line is the one that people read.
try {
  await runUntil(stopSignal());
} catch (error) {
  console.error(`The shop does not run: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function runUntil(stopped: Promise<NodeJS.Signals>): Promise<void> {
  const servers = await resolveServers();
  try {
    const settings = settingsFromEnv(servers);
    console.log(`Servers: ${servers.description}`);
    const app = await start(settings);
    console.log(psqlCommand(settings));
    console.log('Ready. Ctrl-C drains and ends.');
    // An application on servers that are not its own just calls app.enableShutdownHooks(). Here something is left to do
    // after close(), and Nest's hooks end the process.
    const signal = await stopped;
    console.log(
      `${signal}: no new jobs; waiting for those that run. Once more to give them back at once.`,
    );
    // With the signal, a second one makes Kyu hurry. Nest's types leave the parameter out.
    const closable: { close(signal: string): Promise<void> } = app;
    await closable.close(signal);
    console.log('Stopped.');
  } finally {
    await servers.stop();
  }
}

async function start(settings: ShopSettings): Promise<INestApplicationContext> {
  const module = AppModule.with(settings);
  if (settings.mode === 'worker') {
    console.log(`A worker of queue ${settings.queueName}, without an API.`);
    return NestFactory.createApplicationContext(module, OPTIONS);
  }
  const app = await NestFactory.create(module, OPTIONS);
  try {
    await app.listen(settings.port, settings.host);
  } catch (error) {
    await app.close();
    throw error;
  }
  console.log(introduceApi(await app.getUrl(), settings));
  return app;
}
