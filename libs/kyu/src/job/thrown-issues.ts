import type { ValidationError } from 'class-validator';
import type { PayloadIssue } from '../errors/kyu.errors.js';
import { issuesOfErrors } from './class-schema.js';
import { toIssue } from './apply-schema.js';
import type { StandardIssue } from './job-schema.js';

/**
 * What a validator has against a value, when it throws that instead of answering with it; none for an error that says nothing of a value. Known by their shape, for
 * Kyu depends on no validator: an error with a list of `issues`, as zod, valibot and all that follow Standard Schema throw it, such a list itself, and ValidationErrors
 * of class-validator, one or a list.
 */
export function issuesOfThrown(thrown: unknown): readonly PayloadIssue[] {
  if (typeof thrown !== 'object' || thrown === null) return [];
  const errors: unknown[] = Array.isArray(thrown) ? thrown : [thrown];
  if (errors.length > 0 && errors.every(isValidationError))
    return issuesOfErrors(errors);
  const issues = Array.isArray(thrown)
    ? errors
    : (thrown as { issues?: unknown }).issues;
  return Array.isArray(issues) && issues.every(isIssue)
    ? issues.map(toIssue)
    : [];
}

const isValidationError = (value: unknown): value is ValidationError =>
  isObject(value) &&
  typeof value['property'] === 'string' &&
  (isObject(value['constraints']) || Array.isArray(value['children']));

const isIssue = (value: unknown): value is StandardIssue =>
  isObject(value) &&
  !(value instanceof Error) &&
  typeof value['message'] === 'string' &&
  (value['path'] === undefined || Array.isArray(value['path']));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
