/**
 * The name of Kyu's `DataSource` for @nestjs/typeorm: `@InjectDataSource(KYU_DATA_SOURCE)`, `@InjectRepository(Job, KYU_DATA_SOURCE)`.
 *
 * That of a named registration has its name behind it: `@InjectDataSource('kyu:billing')`.
 *
 * @publicApi
 */
export const KYU_DATA_SOURCE = 'kyu';

/** The `DataSource` of Kyu's own statements: its `KYU_DATA_SOURCE`, or one beside what the application lends. */
export const KYU_OWN_DATA_SOURCE = Symbol('kyu:own-data-source');

/** The {@link Registration} that a module was made for. `Symbol.for`: by it a module of another copy of this package is known. */
export const KYU_REGISTRATION = Symbol.for('kyu:registration');
