import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { QueueService, UnrecoverableJobError } from '@kyu/nestjs';
import { drain, expectEnqueued, perform, withKyuTesting } from '@kyu/testing';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { EntityManager } from 'typeorm';
import { AppModule } from '../src/app.module.js';
import { SendReceipt } from '../src/mail/mail.definitions.js';
import { PlaceOrder } from '../src/orders/orders.definitions.js';
import { OrdersStore } from '../src/orders/orders.store.js';
import {
  ChargeCard,
  RefundCard,
} from '../src/payments/payments.definitions.js';
import { settingsFromEnv } from '../src/settings.js';

/** How we would test the shop: all of it, without servers. What it keeps in its own table is kept in a list. */
class OrdersInMemory {
  readonly placed: number[] = [];

  async transaction<T>(work: (manager: EntityManager) => Promise<T>) {
    return work({} as EntityManager);
  }

  async add(): Promise<void> {
    // nobody reads it here
  }

  async markPlaced(number: number): Promise<void> {
    this.placed.push(number);
  }
}

let app: INestApplication;
let queue: QueueService;
let orders: OrdersInMemory;

beforeEach(async () => {
  orders = new OrdersInMemory();
  const settings = settingsFromEnv(
    { postgresUrl: 'postgres://nowhere', redisUrl: 'redis://nowhere' },
    {},
  );
  const builder = Test.createTestingModule({
    imports: [AppModule.with(settings)],
  })
    .overrideProvider(OrdersStore)
    .useValue(orders);
  const module = await withKyuTesting(builder, {
    mode: 'manual',
    manager: {} as EntityManager,
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  queue = app.get(QueueService);
});

afterEach(() => app.close());

const order = {
  number: 7,
  customer: 'ada@example.com',
  items: [{ sku: 'book', quantity: 1 }],
};

const place = async (body: object): Promise<Response> =>
  fetch(`${await app.getUrl()}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('the shop', () => {
  it('places an order in the background, and sends a receipt', async () => {
    const response = await place(order);
    assert.equal(response.status, 201);
    const { jobId } = (await response.json()) as { jobId: string };
    const [job] = await expectEnqueued(queue, PlaceOrder, {
      where: { number: 7, customer: 'ada@example.com' },
      count: 1,
    });
    assert.equal(job!.id, jobId);
    await expectEnqueued(queue, SendReceipt, { count: 0 });

    assert.equal((await drain(queue)).completed, 2);
    assert.deepEqual(orders.placed, [7]);
    await expectEnqueued(queue, SendReceipt, {
      where: { to: 'ada@example.com', order: 7 },
    });
  });

  it('enqueues nothing for what is no order', async () => {
    assert.equal((await place({ number: 7 })).status, 400);
    await expectEnqueued(queue, PlaceOrder, { count: 0 });
  });

  it('charges a card at the third try', async () => {
    const id = await queue.enqueue(ChargeCard, { order: 7, cents: 100 });
    assert.equal((await drain(queue)).failed, 1);
    const { failed, completed } = await drain(queue, { withScheduled: true });
    assert.deepEqual({ failed, completed }, { failed: 1, completed: 1 });
    const { result } = await queue.inspect(id);
    assert.deepEqual(result, { order: 7, charged: 100 });
  });

  it('does not retry a refund to an expired card', async () => {
    await assert.rejects(
      perform(queue, RefundCard, { order: 7, cardExpired: true }),
      UnrecoverableJobError,
    );
    const refund = await perform(queue, RefundCard, {
      order: 7,
      cardExpired: false,
    });
    assert.deepEqual(refund, { refunded: 7 });
  });
});
