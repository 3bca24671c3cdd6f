import { setTimeout as sleep } from 'node:timers/promises';
import { boot, closeOnSignal, sayReady } from './boot.js';
import type { RunJob } from './peer.js';

const { settings, ledger, peer } = await boot();
let runs = 0;

const run: RunJob = async ({ key, workMs }, signal) => {
  // A job may run twice in one process, too: the token tells the runs apart.
  const entry = { key, token: ++runs };
  ledger.write({ kind: 'start', ...entry });
  try {
    await sleep(workMs, undefined, signal && { signal });
  } catch (error) {
    ledger.write({ kind: 'throw', ...entry });
    throw error;
  }
  ledger.write({ kind: 'end', ...entry });
};

const worker = await peer.work(settings.setup, run);
let closing = false;
closeOnSignal(() => {
  closing = true;
  return worker.close();
});
worker.ended
  ?.catch((error: unknown) => console.error(error))
  .finally(() => {
    if (!closing) process.exit(1);
  });
ledger.write({ kind: 'boot', detail: settings.process });
sayReady();
