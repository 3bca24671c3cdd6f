import 'reflect-metadata';
import { type } from 'arktype';
import { Type } from 'class-transformer';
import { IsEmail, IsInt, ValidateNested } from 'class-validator';
import * as v from 'valibot';
import { z } from 'zod';
import { applySchema } from './apply-schema.js';
import { loadClassTools } from './class-schema.js';
import type { JobSchema } from './job-schema.js';
import { describeIssues } from './payload-issues.js';

class Item {
  @IsInt()
  quantity: number;
}

class Order {
  @IsEmail()
  customer: string;

  @ValidateNested({ each: true })
  @Type(() => Item)
  items: Item[];
}

const RIGHT = { customer: 'ada@example.com', items: [{ quantity: 1 }] };
const WRONG = { customer: 'ada', items: [{ quantity: 1 }, { quantity: 'x' }] };

const schemas: Record<string, JobSchema> = {
  zod: z.object({
    customer: z.email(),
    items: z.array(z.object({ quantity: z.int() })),
  }),
  valibot: v.object({
    customer: v.pipe(v.string(), v.email()),
    items: v.array(v.object({ quantity: v.number() })),
  }),
  arktype: type({
    customer: 'string.email',
    items: type({ quantity: 'number' }).array(),
  }),
  'a class': Order,
};

describe.each(Object.entries(schemas))('a schema of %s', (_, schema) => {
  it('accepts what is right', async () => {
    const verdict = await applySchema(schema, RIGHT);
    expect(verdict).toEqual({ value: RIGHT });
  });

  it('says of each field what is wrong', async () => {
    const { issues } = await applySchema(schema, WRONG);
    expect(issues?.map(({ path }) => path).toSorted()).toEqual([
      'customer',
      'items[1].quantity',
    ]);
    for (const { message } of issues!) expect(message).not.toBe('');
  });

  it.each([[null], ['text'], [7], [[]], [undefined]])(
    'refuses %j as a whole',
    async (value) => {
      const { issues } = await applySchema(schema, value);
      expect(issues?.length).toBeGreaterThan(0);
    },
  );
});

describe('applySchema', () => {
  it('makes an instance of a class', async () => {
    const { value } = (await applySchema(Order, RIGHT)) as { value: Order };
    expect(value).toBeInstanceOf(Order);
    expect(value.items[0]).toBeInstanceOf(Item);
  });

  it('waits for a schema that is async', async () => {
    const schema = z
      .string()
      .refine(async (name) => Promise.resolve(name !== 'Eve'), 'not her');
    expect(await applySchema(schema, 'Ada')).toEqual({ value: 'Ada' });
    expect(await applySchema(schema, 'Eve')).toEqual({
      issues: [{ path: '', message: 'not her' }],
    });
  });

  it('rejects when the schema itself fails', async () => {
    const schema = v.pipeAsync(
      v.string(),
      v.checkAsync(() => Promise.reject(new Error('away'))),
    );
    await expect(applySchema(schema, 'Ada')).rejects.toThrow('away');
  });

  it('understands the paths of any Standard Schema', async () => {
    const schema: JobSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({
          issues: [
            { message: 'a', path: ['x', { key: 0 }, Symbol('s')] },
            { message: 'b', path: [] },
            { message: 'c' },
          ],
        }),
      },
    };
    const { issues } = await applySchema(schema, 1);
    expect(issues?.map(({ path }) => path)).toEqual(['x[0].Symbol(s)', '', '']);
  });
});

describe('describeIssues', () => {
  it('names each field, and not the hundredth', () => {
    const issue = { path: 'to', message: 'is missing' };
    expect(describeIssues([issue, { path: '', message: 'is no object' }])).toBe(
      'to: is missing; is no object',
    );
    expect(describeIssues(Array.from({ length: 100 }, () => issue))).toMatch(
      /^(to: is missing; ){10}and 90 more$/,
    );
  });
});

it('a class without its packages is an error that says which to install', async () => {
  const missing = () => Promise.reject(new Error("Cannot find package 'x'"));
  await expect(loadClassTools(missing)).rejects.toThrow(
    "npm install class-validator class-transformer (Cannot find package 'x')",
  );
});
