import { Module } from '@nestjs/common';
import { makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { OrdersController } from './orders.controller.js';
import { OrdersJobs } from './orders.jobs.js';
import { OrdersStore } from './orders.store.js';
import { OrdersService } from './orders.service.js';

@Module({
  controllers: [OrdersController],
  providers: [
    OrdersStore,
    OrdersService,
    OrdersJobs,
    makeCounterProvider({
      name: 'shop_orders_total',
      help: 'Orders that customers placed.',
    }),
  ],
  exports: [OrdersService],
})
export class OrdersModule {}
