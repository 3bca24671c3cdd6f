import { Injectable, type OnModuleInit } from '@nestjs/common';
import { KYU_DATA_SOURCE } from '@kyu/nestjs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../transactions.js';
import type { Order } from './order.js';

/**
 * The shop's own table, in the database and the schema of its jobs: one transaction can hold an order and what is to be done about it. It is small enough
 * for plain SQL on Kyu's connections; an application with entities lends Kyu its own DataSource.
 */
@Injectable()
export class OrdersStore implements OnModuleInit {
  private readonly table: string;

  constructor(
    @InjectDataSource(KYU_DATA_SOURCE) private readonly dataSource: DataSource,
  ) {
    const { schema } = dataSource.options as { schema?: string };
    this.table = `"${schema ?? 'public'}".shop_orders`;
  }

  /** Every process of the shop boots like this, several at once perhaps; so one at a time. */
  async onModuleInit(): Promise<void> {
    await this.transaction(async (manager) => {
      await manager.query(`select pg_advisory_xact_lock(hashtext($1))`, [
        this.table,
      ]);
      await manager.query(
        `create table if not exists ${this.table} (
           id bigint generated always as identity primary key, number bigint not null, customer text not null, items jsonb not null,
           taken_at timestamptz not null default now(), placed_at timestamptz)`,
      );
    });
  }

  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  async add(
    { number, customer, items }: Order,
    manager: EntityManager,
  ): Promise<void> {
    await manager.query(
      `insert into ${this.table} (number, customer, items) values ($1, $2, $3)`,
      [number, customer, JSON.stringify(items)],
    );
  }

  async markPlaced(number: number, manager: EntityManager): Promise<void> {
    await manager.query(
      `update ${this.table} set placed_at = now() where number = $1 and placed_at is null`,
      [number],
    );
  }
}
