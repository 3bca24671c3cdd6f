import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';

/** The pool of node-postgres behind a data source; that of the primary where there are replicas. */
export const poolOf = ({ driver }: DataSource): Pool =>
  (driver as PostgresDriver).master as Pool;
