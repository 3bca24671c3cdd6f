import { isDeepStrictEqual } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import type { KyuMode } from '../config/kyu.options.js';
import { Semaphore } from '../runtime/semaphore.js';
import { openBeside } from './beside-lent.js';
import { openDataSource, type BootLogger } from './open-data-source.js';
import { checkServer } from './server-check.js';

/** Connections that transactional runs leave to all else: their handlers enqueue and query, too. */
const SPARE_CONNECTIONS = 2;

/**
 * Is responsible for the connections of all registrations of one application. Registrations with
 * equal `postgres` settings share them: PostgreSQL allows 100 connections by default, and each pool
 * may open 25.
 */
@Injectable()
export class Connections {
  private readonly opened = new Shared();
  private readonly beside = new Shared();
  private readonly transactions = new Map<DataSource, Semaphore>();

  /** What the application injects, and what transactional handlers write by: the lent one, or Kyu's. */
  async open(
    postgres: PostgresConfig,
    mode: KyuMode,
    logger: BootLogger,
  ): Promise<DataSource> {
    const shared = this.opened.find(postgres);
    if (!shared)
      return this.opened.add(postgres, openDataSource(postgres, mode, logger));
    const dataSource = await shared;
    // The registration that opened it may need fewer rights than this one.
    await checkServer(dataSource, postgres, mode);
    return dataSource;
  }

  /** What Kyu's own statements use. The application never holds a connection of it for long. */
  async openOwn(
    dataSource: DataSource,
    postgres: PostgresConfig,
    logger: BootLogger,
  ): Promise<DataSource> {
    if (!postgres.dataSource) return dataSource;
    return (
      this.beside.find(postgres) ??
      this.beside.add(postgres, openBeside(dataSource, postgres, logger))
    );
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

/** Data sources by the settings that they were opened with, also while they are being opened. */
class Shared {
  private readonly known: {
    postgres: PostgresConfig;
    dataSource: Promise<DataSource>;
  }[] = [];

  find(postgres: PostgresConfig): Promise<DataSource> | undefined {
    return this.known.find((each) => equal(each.postgres, postgres))
      ?.dataSource;
  }

  add(
    postgres: PostgresConfig,
    dataSource: Promise<DataSource>,
  ): Promise<DataSource> {
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
