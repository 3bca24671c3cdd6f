/**
 * The name of Kyu's `DataSource` for @nestjs/typeorm: `@InjectDataSource(KYU_DATA_SOURCE)`, `@InjectRepository(Job, KYU_DATA_SOURCE)`.
 *
 * @publicApi
 */
export const KYU_DATA_SOURCE = 'kyu';
