import { Pruner } from '../../../libs/kyu/src/maintenance/pruner.js';
import { boot, closeOnSignal } from './boot.js';

const worker = await boot();
closeOnSignal(worker);
const { pruneEveryMs } = worker.settings;
if (pruneEveryMs > 0) {
  const pruner = worker.app.get(Pruner, { strict: false });
  setInterval(() => {
    pruner.runOnce().catch(() => undefined); // the next one will
  }, pruneEveryMs).unref();
}
