import { randomUUID } from 'node:crypto';
import type { SqlNames } from '../statement.js';

/**
 * A random id of these tables, by which their key in Redis is told from that of other tables. It is
 * the comment of the workers table: every role can read it without a grant, it is in no row that
 * could be deleted, and to set it needs no lock that a statement of Kyu waits for. (An
 * application's `synchronize` may change the comments of entities, and the jobs table is one.)
 */
export const V2_UP = ({ workers }: SqlNames): readonly string[] => [
  `COMMENT ON TABLE ${workers} IS 'Kyu: the worker processes that are alive. Keep this id, it marks the key of these tables in Redis: ${randomUUID()}'`,
];

export const V2_DOWN = ({ workers }: SqlNames): readonly string[] => [
  `COMMENT ON TABLE ${workers} IS NULL`,
];
