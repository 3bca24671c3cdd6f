/**
 * What may go wrong around an application, on demand.
 *
 * @publicApi
 */
export interface Faults {
  /**
   * PostgreSQL cannot be reached: `enqueue()` rejects with `PostgresUnavailableError`, and nothing is claimed.
   *
   * @throws in mode `'real'` with a data source that the application lends: its connections are not Kyu's to cut.
   */
  postgresDown(): void;
  postgresUp(): void;
  /** Redis cannot be reached: jobs are stored, and claimed from PostgreSQL. Mode `'real'` only. */
  redisDown(): void;
  redisUp(): void;
  /**
   * A worker dies between popping ids from Redis and claiming their jobs: the next ids that are popped are lost. Mode `'real'` only.
   *
   * @returns resolves with the ids when that has happened. Their jobs run all the same, within seconds: PostgreSQL has them.
   */
  crashAfterPop(): Promise<string[]>;
}
