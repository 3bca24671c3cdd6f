import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ChaosModule } from './chaos.module.js';
import { setFailpoints } from './failpoints.js';
import { FileLogger } from './file-logger.js';
import { Ledger, monotonicMs } from './ledger.js';
import { applyMutants } from './mutants.js';
import { readSettings, type AppSettings } from './settings.js';
import { tell } from './tell.js';

/** A process of the system under test, up and known to the harness. */
export interface ChaosApp {
  app: INestApplicationContext;
  settings: AppSettings;
  ledger: Ledger;
}

const LAG_TICK_MS = 50;
/** Less is what a busy machine does to every timer. */
const LAG_MS = 200;

export async function boot(): Promise<ChaosApp> {
  const settings = readSettings();
  const ledger = new Ledger(settings.ledgerFile);
  // Whoever started this process is gone, and nobody would ever end it.
  process.once('disconnect', () => process.exit(3));
  watchLag(ledger);
  applyMutants(settings.mutants);
  setFailpoints(settings, ledger);
  const logger = new FileLogger();
  const app = await NestFactory.createApplicationContext(
    ChaosModule.with(settings, ledger, logger),
    { logger: ['error', 'warn'], abortOnError: false },
  );
  ledger.write({ kind: 'boot', detail: settings.name });
  tell({ ready: settings.name });
  return { app, settings, ledger };
}

/** Until the harness says so by a signal: then everything is closed in order, and the process ends by itself. */
export function closeOnSignal(
  { app }: ChaosApp,
  before: () => Promise<void> = async () => undefined,
): void {
  process.once('SIGTERM', () => {
    void before()
      .then(() => app.close())
      .then(() => process.exit(0));
  });
}

/** Writes down when this process stood still: a worker that could not run cannot be blamed for what it did not do in that time. */
function watchLag(ledger: Ledger): void {
  let last = monotonicMs();
  setInterval(() => {
    const now = monotonicMs();
    const lag = now - last - LAG_TICK_MS;
    last = now;
    if (lag > LAG_MS)
      ledger.write({ kind: 'lag', detail: String(Math.round(lag)) });
  }, LAG_TICK_MS).unref();
}
