import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { resolveServers } from '@kyu/embedded';
import { getQueueToken, QueueService } from '@kyu/nestjs';
import { AppModule } from '../app.module.js';
import { psqlCommand } from '../introduce.js';
import { OrdersService } from '../orders/orders.service.js';
import { settingsFromEnv, type ShopSettings } from '../settings.js';
import { dropSchema } from './drop-schema.js';
import { startLiveView } from './live-view.js';
import { PLAN, TOTAL } from './plan.js';
import { QuietLogger } from './quiet-logger.js';
import { checkAll, priorityInWords } from './summary.js';
import { Tally } from './tally.js';
import { cancelRunning, playTraffic } from './traffic.js';

/** It ends after about 20 s. Whatever has not ended by now never will, and the summary says what it is. */
const DEADLINE_MS = 40_000;
const INTERRUPTED = 130; // what a shell says of a program that Ctrl-C ended

export interface DemoOptions {
  /** Leave everything up after the summary, until Ctrl-C. */
  keep: boolean;
  /** Resolves at Ctrl-C. */
  stopped: Promise<NodeJS.Signals>;
}

/** The whole demo; resolves to the exit code. */
export async function runDemo({ keep, stopped }: DemoOptions): Promise<number> {
  const interrupt = new AbortController();
  void stopped.then((signal) => interrupt.abort(signal));
  const logger = new QuietLogger();
  const servers = await resolveServers();
  // Its own table and queue: the rows of an earlier demo, or of anybody else on these servers, are not ours to count.
  const name = randomBytes(4).toString('hex');
  const settings: ShopSettings = {
    ...settingsFromEnv(servers),
    schema: `kyu_demo_${name}`,
    queueName: `kyu:demo:${name}`,
    mode: 'both',
    workers: 5, // few enough for some jobs to wait, and so for the priority to show
    host: '127.0.0.1',
    port: 0,
    metricsPort: 0,
  };
  console.log(`Servers: ${servers.description}`);
  let app: INestApplication | undefined;
  try {
    app = await NestFactory.create(AppModule.with(settings), {
      logger,
      abortOnError: false,
    });
    await app.listen(settings.port, settings.host);
    const url = await app.getUrl();
    console.log(`Shop: ${url}, ${settings.workers} jobs at once. Table:`);
    console.log(`  ${psqlCommand(settings)}\n`);
    const tally = await play(app, logger, interrupt.signal);
    console.log(`\n${priorityInWords(tally)}`);
    const right = await checkAll(app, settings, url);
    if (keep) {
      console.log(`\nEverything stays up until Ctrl-C. Try:
  ${psqlCommand(settings)}
  curl ${url}/metrics
  curl '${url}/jobs/dead?limit=3'`);
      await stopped;
    }
    return right ? 0 : 1;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await app?.close();
    await dropSchema(settings).catch((error: Error) =>
      console.error(
        `The schema ${settings.schema} is still there: ${error.message}`,
      ),
    );
    await servers.stop();
  }
}

/** The traffic, and the wait for its last job. */
async function play(
  app: INestApplication,
  logger: QuietLogger,
  signal: AbortSignal,
): Promise<Tally> {
  const queue = app.get(QueueService);
  const reports = app.get<QueueService>(getQueueToken('reports'));
  const events = [queue.events, reports.events];
  const types = PLAN.map(({ type }) => type);
  const tally = new Tally(types, events);
  const view = startLiveView(tally, PLAN, events);
  logger.print = (line) => view.note(line);
  try {
    cancelRunning(PLAN, queue);
    const shop = { queue, reports, orders: app.get(OrdersService) };
    await playTraffic(PLAN, shop, signal);
    while (tally.finished < TOTAL && tally.elapsedMs < DEADLINE_MS)
      await sleep(50, undefined, { signal });
    return tally;
  } finally {
    view.stop();
    logger.print = console.error;
  }
}
