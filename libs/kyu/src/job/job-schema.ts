/**
 * A validator that follows Standard Schema v1, as those of zod, valibot and arktype do: https://standardschema.dev. Only what Kyu calls of it.
 *
 * @publicApi
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(
      value: unknown,
    ): StandardVerdict<Output> | Promise<StandardVerdict<Output>>;
    /** Only types: there is no value. */
    readonly types?:
      { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a {@link StandardSchema} answers: without issues, the value is right. */
export type StandardVerdict<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?:
    readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A class whose properties carry the decorators of class-validator. */
export type DtoClass<Payload = unknown> = new () => Payload;

/**
 * What checks the payload of a job: a Standard Schema v1 validator, or a class with decorators of class-validator.
 *
 * @publicApi
 */
export type JobSchema<Input = unknown, Output = Input> =
  StandardSchema<Input, Output> | DtoClass<Output>;

type Types<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>;

/** What may be enqueued under a schema. */
export type SchemaInput<Schema> = Schema extends StandardSchema
  ? Types<Schema>['input']
  : Schema extends DtoClass<infer Payload>
    ? Payload
    : never;

/** What a handler gets under a schema. */
export type SchemaOutput<Schema> = Schema extends StandardSchema
  ? Types<Schema>['output']
  : Schema extends DtoClass<infer Payload>
    ? Payload
    : never;

export const isStandardSchema = (value: unknown): value is StandardSchema => {
  if (value === null || !['object', 'function'].includes(typeof value))
    return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
};

/** An arrow function has no prototype; a class has. */
export const isDtoClass = (value: unknown): value is DtoClass =>
  typeof value === 'function' && typeof value.prototype === 'object';
