import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager } from 'typeorm';

const managers = new AsyncLocalStorage<EntityManager>();

/** For `KyuModule.forRoot({ transaction })`: what is enqueued within {@link inTransaction} is part of it, without a word. */
export const currentTransaction = (): EntityManager | undefined =>
  managers.getStore();

/** What @nestjs-cls/transactional and typeorm-transactional do for a larger application. */
export const inTransaction = <T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> =>
  dataSource.transaction((manager) =>
    managers.run(manager, () => work(manager)),
  );
