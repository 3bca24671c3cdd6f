import { isDeepStrictEqual } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { Semaphore } from '../runtime/semaphore.js';
import { openBeside } from './beside-lent.js';
import { openDataSource } from './open-data-source.js';

/** Connections that transactional runs leave to all else: their handlers enqueue and query, too. */
const SPARE_CONNECTIONS = 2;

/**
 * Is responsible for the connections of all registrations of one application. Registrations with
 * equal `postgres` settings share them: PostgreSQL allows 100 connections by default, and each pool
 * may open 25.
 */
@Injectable()
export class Connections {
  private readonly opened = new Shared(openDataSource);
  private readonly beside = new Shared((postgres) =>
    openBeside(postgres.dataSource!, postgres),
  );
  private readonly transactions = new Map<DataSource, Semaphore>();

  /** What the application injects, and what transactional handlers write by: the lent one, or Kyu's. */
  open(postgres: PostgresConfig): Promise<DataSource> {
    return this.opened.get(postgres);
  }

  /** What Kyu's own statements use. The application never holds a connection of it for long. */
  async openOwn(
    dataSource: DataSource,
    postgres: PostgresConfig,
  ): Promise<DataSource> {
    return postgres.dataSource ? this.beside.get(postgres) : dataSource;
  }

  /**
   * Lets in as many transactional runs as a data source has connections for. Each run holds one
   * until its handler ends; without a limit they could all wait for one more.
   */
  transactionsOf(dataSource: DataSource, maxConnections: number): Semaphore {
    let places = this.transactions.get(dataSource);
    if (!places) {
      places = new Semaphore(Math.max(1, maxConnections - SPARE_CONNECTIONS));
      this.transactions.set(dataSource, places);
    }
    return places;
  }
}

/** Opens one data source for all who ask with equal settings, also while it is still being opened. */
class Shared {
  private readonly known: {
    postgres: PostgresConfig;
    dataSource: Promise<DataSource>;
  }[] = [];

  constructor(
    private readonly openNew: (postgres: PostgresConfig) => Promise<DataSource>,
  ) {}

  get(postgres: PostgresConfig): Promise<DataSource> {
    const found = this.known.find((each) => equal(each.postgres, postgres));
    if (found) return found.dataSource;
    const dataSource = this.openNew(postgres);
    this.known.push({ postgres, dataSource });
    return dataSource;
  }
}

/** A lent data source equals itself only. */
function equal(one: PostgresConfig, other: PostgresConfig): boolean {
  const { dataSource: lent, ...settings } = one;
  const { dataSource: otherLent, ...otherSettings } = other;
  return lent === otherLent && isDeepStrictEqual(settings, otherSettings);
}

/** One for each application, as Nest makes a module once: no two applications share a pool. */
@Module({ providers: [Connections], exports: [Connections] })
export class ConnectionsModule {}
