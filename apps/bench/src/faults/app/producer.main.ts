import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../../../../test/chaos/random.js';
import { boot, closeOnSignal, sayReady } from './boot.js';

/** Calls that may wait for an answer at once, so that a store that hangs does not end up with all of them. */
const MAX_OPEN_CALLS = 16;

const { settings, ledger, peer } = await boot();
const { producing, seed, setup } = settings;
const random = new Random(seed);
const producer = await peer.produce(setup);
const open = new Set<Promise<void>>();
let stopping = false;

async function enqueue(key: string, workMs: number): Promise<void> {
  ledger.write({ kind: 'try', key });
  try {
    await producer.enqueue({ key, workMs });
    ledger.write({ kind: 'ack', key });
  } catch (error) {
    const detail = String((error as Error).message).slice(0, 200);
    ledger.write({ kind: 'err', key, detail });
  }
}

async function produce(): Promise<void> {
  for (let n = 1; n <= producing.jobs && !stopping; n++) {
    const workMs = Math.round(random.between(...producing.workMs));
    const call: Promise<void> = enqueue(`job-${n}`, workMs).finally(() =>
      open.delete(call),
    );
    open.add(call);
    if (n > producing.burst) await sleep(1000 / producing.perSecond);
    while (open.size >= MAX_OPEN_CALLS) await Promise.race(open);
  }
  await Promise.all(open);
}

ledger.write({ kind: 'boot', detail: settings.process });
sayReady();
const produced = produce();
closeOnSignal(() => {
  stopping = true;
  return produced.then(() => producer.close());
});
await produced;
ledger.write({ kind: 'exit' });
await producer.close();
process.exit(0);
