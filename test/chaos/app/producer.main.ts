import { QueueService } from '@kyu/nestjs';
import { Random } from '../random.js';
import { boot, closeOnSignal } from './boot.js';
import { Canceller } from './canceller.js';
import { Producer } from './producer.js';

const producer = await boot();
const { settings, app, ledger } = producer;
const queue = app.get(QueueService);
const random = new Random(settings.seed);
const work =
  settings.role === 'canceller'
    ? new Canceller(settings, queue, ledger, random)
    : new Producer(settings, queue, ledger, random);
closeOnSignal(producer, () => work.stop());
work.start();
