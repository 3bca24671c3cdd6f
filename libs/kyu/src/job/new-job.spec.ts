import { InvalidJobError } from '../errors/kyu.errors.js';
import { isUuid } from '../runtime/uuid-v7.js';
import {
  checkDefaults,
  checkJobType,
  MAX_INTEGER,
  MAX_TYPE_BYTES,
  newJob,
  type EnqueueOptions,
  type JobDefaults,
} from './new-job.js';

const DEFAULTS = { priority: 0, maxRetries: 3, timeout: 30_000 };
const make = (options: unknown = {}, type: unknown = 'mail') =>
  newJob(type as string, { to: 'ada' }, options as EnqueueOptions, DEFAULTS);

function refusal(call: () => unknown): InvalidJobError {
  try {
    call();
  } catch (error) {
    if (error instanceof InvalidJobError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('newJob', () => {
  it('completes a job from the defaults', () => {
    const { id, ...job } = make();
    expect(isUuid(id)).toBe(true);
    expect(job).toEqual({
      jobType: 'mail',
      payloadJson: '{"to":"ada"}',
      priority: 0,
      maxRetries: 3,
      timeoutMs: 30_000,
      scheduledAt: null,
    });
  });

  it('prefers what the call says, also when it is 0', () => {
    const scheduledAt = new Date('2030-01-01T00:00:00Z');
    const options = {
      priority: 0,
      maxRetries: 0,
      timeout: '2m',
      scheduledAt,
    } as const;
    const job = newJob('mail', null, options, {
      priority: 9,
      maxRetries: 9,
      timeout: 1,
    });
    expect(job).toMatchObject({
      priority: 0,
      maxRetries: 0,
      timeoutMs: 120_000,
      scheduledAt,
    });
  });

  it('takes undefined for "not given"', () => {
    expect(
      make({
        priority: undefined,
        maxRetries: undefined,
        timeout: undefined,
        scheduledAt: undefined,
      }),
    ).toMatchObject({ priority: 0, maxRetries: 3, scheduledAt: null });
  });

  it('gives each job an id of its own, in order', () => {
    const ids = Array.from({ length: 100 }, () => make().id);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(100);
  });

  const integers = [
    { name: 'priority', min: -MAX_INTEGER, max: MAX_INTEGER },
    { name: 'maxRetries', min: 0, max: MAX_INTEGER },
  ];
  describe.each(integers)('$name', ({ name, min, max }) => {
    it('takes its limits', () => {
      expect(make({ [name]: min })).toHaveProperty(name, min);
      expect(make({ [name]: max })).toHaveProperty(name, max);
    });

    it.each<[unknown, string]>([
      [min - 1, String(min - 1)],
      [max + 1, String(max + 1)],
      [1.5, '1.5'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      ['5', '"5"'],
      ['', '""'],
      [true, 'true'],
      [1n, '1n'],
      [[1], '[ 1 ]'],
      [{}, '{}'],
      [Symbol('five'), 'Symbol(five)'],
      [new Date(5), '1970-01-01T00:00:00.005Z'],
      [Object.create(null), '[Object: null prototype] {}'],
    ])('refuses %p', (value, shown) => {
      expect(refusal(() => make({ [name]: value })).message).toBe(
        `Expected ${name} to be an integer from ${min} to ${max}, got: ${shown}.`,
      );
    });
  });

  describe('timeout', () => {
    it.each<[unknown, number]>([
      [1, 1],
      [1.4, 1],
      ['1ms', 1],
      ['250ms', 250],
      [MAX_INTEGER, MAX_INTEGER],
      ['24d', 24 * 86_400_000],
    ])('%p is %d ms', (timeout, timeoutMs) => {
      expect(make({ timeout })).toHaveProperty('timeoutMs', timeoutMs);
    });

    it.each<[unknown, string]>([
      [0, '0'],
      [0.9, '0.9'],
      ['0s', '"0s"'],
      [-1, '-1'],
      [MAX_INTEGER + 1, '2147483648'],
      ['25d', '"25d"'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['soon', '"soon"'],
      ['10', '"10"'],
      [10n, '10n'],
      [true, 'true'],
      [Object.create(null), '[Object: null prototype] {}'],
    ])('refuses %p', (timeout, shown) => {
      expect(refusal(() => make({ timeout })).message).toBe(
        "Expected timeout to be milliseconds or a duration such as '10s', " +
          `at least 1 ms and at most 24 days, got: ${shown}.`,
      );
    });
  });

  describe('scheduledAt', () => {
    it.each([
      new Date('0001-01-01T00:00:00Z'),
      new Date(0),
      new Date(),
      new Date('9999-12-31T23:59:59Z'),
      new Date(8.64e15), // the last that JavaScript has
    ])('takes %p', (scheduledAt) => {
      expect(make({ scheduledAt }).scheduledAt).toEqual(scheduledAt);
    });

    it.each([
      [Date.parse('0001-01-01T00:00:00Z') - 1, '0000-12-31T23:59:59.999Z'],
      [-8.64e15, '-271821-04-20T00:00:00.000Z'],
    ])('refuses %d ms, which is before the year 1', (ms, shown) => {
      const call = () => make({ scheduledAt: new Date(ms) });
      expect(refusal(call).message).toBe(
        `scheduledAt is before the year 1 (${shown}); is it what was meant?`,
      );
    });

    it('refuses an invalid Date', () => {
      const call = () => make({ scheduledAt: new Date('tomorrow') });
      expect(refusal(call).message).toBe('scheduledAt is an invalid Date.');
    });

    it.each<[unknown, string]>([
      ['2030-01-01', '"2030-01-01"'],
      [1_893_456_000_000, '1893456000000'],
      [true, 'true'],
      [{}, '{}'],
      [Object.create(null), '[Object: null prototype] {}'],
    ])('refuses %p, which is no Date', (scheduledAt, shown) => {
      expect(refusal(() => make({ scheduledAt })).message).toBe(
        `Expected scheduledAt to be a Date, got: ${shown}.`,
      );
    });
  });

  it.each(['delay', 'retries', 'constructor', '__proto__', '0'])(
    'refuses the unknown option "%s" and names those that there are',
    (key) => {
      const options: unknown = JSON.parse(`{${JSON.stringify(key)}: 1}`);
      expect(refusal(() => make(options)).message).toBe(
        `Unknown enqueue option "${key}"; there are priority, maxRetries, scheduledAt, timeout; and manager or client, for a whole call.`,
      );
    },
  );

  it.each<[unknown, string]>([
    [null, 'null'],
    [5_000, '5000'],
    [true, 'true'],
    ['urgent', '"urgent"'],
    [[], '[]'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('refuses %p in place of the options', (options, shown) => {
    expect(refusal(() => make(options)).message).toBe(
      `Expected the options to be an object such as { priority: 1 }, got: ${shown}.`,
    );
  });

  it('says for every refusal which code it has', () => {
    for (const call of [
      () => make({ priority: 'x' }),
      () => make({ unknown: 1 }),
      () => make({}, ''),
      () => newJob('mail', undefined, {}, DEFAULTS),
    ])
      expect(refusal(call)).toMatchObject({
        name: 'InvalidJobError',
        code: 'KYU_INVALID_JOB',
      });
  });
});

describe('checkJobType', () => {
  it.each([
    'a',
    'send-email',
    'Grüße 🦉',
    ' ',
    '__proto__',
    'constructor',
    "'; DROP TABLE kyu_jobs; --",
    'x'.repeat(MAX_TYPE_BYTES),
    '🦉'.repeat(MAX_TYPE_BYTES / 4),
  ])('accepts %j', (type) => {
    expect(() => checkJobType(type)).not.toThrow();
  });

  it.each(['x'.repeat(MAX_TYPE_BYTES + 1), '🦉'.repeat(32) + 'x'])(
    'refuses 129 bytes, in a short message: %j',
    (type) => {
      const { message } = refusal(() => checkJobType(type));
      expect(message).toContain('…" has 129 bytes, the limit is 128.');
      expect(message.length).toBeLessThan(120);
    },
  );

  it.each<[unknown, string]>([
    ['', '""'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [Symbol('x'), 'Symbol(x)'],
    [['mail'], "[ 'mail' ]"],
    [Object.create(null), '[Object: null prototype] {}'],
  ])('refuses %p', (type, shown) => {
    expect(refusal(() => checkJobType(type)).message).toBe(
      `Expected the job type to be a non-empty string, got: ${shown}.`,
    );
  });

  it.each(['a\0b', '\ud800', 'x\udc00'])(
    'refuses %j, which PostgreSQL cannot store',
    (type) => {
      expect(refusal(() => checkJobType(type)).message).toBe(
        'The job type holds a NUL or half a surrogate pair; PostgreSQL cannot store it.',
      );
    },
  );
});

describe('checkDefaults', () => {
  it.each<JobDefaults>([
    {},
    { priority: -MAX_INTEGER, maxRetries: 0, timeout: 1 },
    { priority: MAX_INTEGER, maxRetries: MAX_INTEGER, timeout: '24d' },
    { priority: undefined, maxRetries: undefined, timeout: undefined },
  ])('takes %j', (defaults) => {
    expect(() => checkDefaults(defaults)).not.toThrow();
  });

  it.each<[JobDefaults, string]>([
    [{ priority: 0.5 }, 'Expected priority to be an integer'],
    [{ maxRetries: -1 }, 'Expected maxRetries to be an integer from 0'],
    [{ timeout: 'soon' as '1s' }, 'Expected timeout to be milliseconds'],
  ])('refuses %j', (defaults, message) => {
    expect(refusal(() => checkDefaults(defaults)).message).toContain(message);
  });
});
