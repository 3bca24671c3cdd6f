import type { PayloadIssue } from '../errors/kyu.errors.js';
import { applyClass } from './class-schema.js';
import {
  isStandardSchema,
  type JobSchema,
  type StandardIssue,
} from './job-schema.js';
import { joinPath, type SchemaVerdict } from './payload-issues.js';

/** Rejects when the schema itself fails: that is no verdict on the value. */
export async function applySchema(
  schema: JobSchema,
  value: unknown,
): Promise<SchemaVerdict> {
  if (!isStandardSchema(schema)) return applyClass(schema, value);
  const verdict = await schema['~standard'].validate(value);
  return verdict.issues
    ? { issues: verdict.issues.map(toIssue) }
    : { value: verdict.value };
}

/** An issue of a Standard Schema, with its path as text. */
export function toIssue({ message, path = [] }: StandardIssue): PayloadIssue {
  const keys = path.map((step) => (typeof step === 'object' ? step.key : step));
  return { path: joinPath(keys), message };
}
