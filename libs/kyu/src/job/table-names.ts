/** Where the tables are. */
export interface TableNames {
  schema: string;
  prefix: string;
}
