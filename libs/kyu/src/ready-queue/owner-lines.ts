/** The tables that a mark names. What is in Redis is untrusted: at most a line of it, quoted. */
export const tablesOf = (mark: string): string =>
  JSON.stringify(mark.slice(mark.indexOf(' ') + 1, 200));

/** What the log says of the key of a queue and its owner. */
export const OWNER_LINES = {
  foreign: (key: string, where: string, mark: string): string =>
    `The key "${key}" of ${where} belongs to the tables ${tablesOf(mark)}: set a queueName of its own for this application. Until then it works without Redis, and claims jobs from PostgreSQL.`,
  own: (key: string, where: string): string =>
    `The key "${key}" of ${where} is free, and belongs to this application now.`,
  unmarked: (key: string, where: string, cause: Error): string =>
    `${where} does not let Kyu use the key "${key}" (${cause.message}). Without it, applications with other tables that use this queueName are not noticed. Grant what the guide "Redis" lists.`,
};
