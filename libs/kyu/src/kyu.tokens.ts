/**
 * The name of Kyu's `DataSource` for @nestjs/typeorm: `@InjectDataSource(KYU_DATA_SOURCE)`, `@InjectRepository(Job, KYU_DATA_SOURCE)`.
 *
 * That of a named registration has its name behind it: `@InjectDataSource('kyu:billing')`.
 *
 * @publicApi
 */
export const KYU_DATA_SOURCE = 'kyu';

/** The {@link Registration} that a module was made for. `Symbol.for`: by it a module of another copy of this package is known. */
export const KYU_REGISTRATION = Symbol.for('kyu:registration');
