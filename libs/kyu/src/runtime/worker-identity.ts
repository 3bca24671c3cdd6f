import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/**
 * Who this process is, in `locked_by` and in the workers table. The random part makes it unique
 * even where host names and pids repeat (containers): two processes never pass for each other.
 */
export class WorkerIdentity {
  readonly host = hostname();
  readonly pid = process.pid;
  readonly id = `${this.host}:${this.pid}:${randomBytes(6).toString('hex')}`;
}
