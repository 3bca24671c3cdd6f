import type { DataSource, EntityManager } from 'typeorm';

/** TypeORM 0.3 knows it as `connection` only, whatever the types of 1.x say; undefined for what is no manager. */
export function dataSourceOf(manager: EntityManager): DataSource | undefined {
  const { dataSource, connection } = manager as Partial<
    Pick<EntityManager, 'dataSource' | 'connection'>
  >;
  return dataSource ?? connection;
}
