import { BadRequestException } from '@nestjs/common';
import type { EnqueueOptions } from '@kyu/nestjs';

/** What POST /jobs asks for. */
export interface JobRequest {
  type: string;
  payload: unknown;
  options: EnqueueOptions;
}

/** With seconds and a time zone: without one, the same text would be another time on another server. */
const ISO_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * The body of POST /jobs. Only what JSON cannot express is made here; Kyu itself checks type, payload and options, and refuses
 * options that it does not know. @throws BadRequestException
 */
export function parseJobRequest(body: unknown): JobRequest {
  const { type, payload, options = {}, ...rest } = record(body, 'the body');
  const unknown = Object.keys(rest);
  if (unknown.length > 0)
    throw new BadRequestException(
      `Unknown field "${unknown[0]}"; there are type, payload, options.`,
    );
  const { scheduledAt, ...others } = record(options, '"options"');
  return {
    type: type as string,
    payload,
    options: {
      ...others,
      ...(scheduledAt !== undefined && { scheduledAt: time(scheduledAt) }),
    },
  };
}

function time(value: unknown): Date {
  const parts = typeof value === 'string' ? ISO_TIME.exec(value) : null;
  const date = new Date(parts ? parts[0] : Number.NaN);
  if (!parts || Number.isNaN(date.getTime()) || !isDayOfMonth(parts))
    throw new BadRequestException(
      'Expected "scheduledAt" to be a time such as 2030-01-31T12:00:00Z.',
    );
  return date;
}

/** `Date` makes the 2nd of March of the 30th of February. */
function isDayOfMonth([, year, month, day]: RegExpExecArray): boolean {
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0));
  return Number(day) <= daysInMonth.getUTCDate();
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequestException(`Expected ${what} to be a JSON object.`);
  return value as Record<string, unknown>;
}
