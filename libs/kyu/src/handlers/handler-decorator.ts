import type { Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import type { JobContext } from './job-parameters.decorator.js';

/** A decorator for methods that handle this payload and give this result; for any method where neither is known. */
export type HandlerDecorator<Payload, Result> = unknown extends Payload & Result
  ? MethodDecorator
  : <Method extends (...args: never[]) => unknown>(
      target: object,
      key: string | symbol,
      descriptor: TypedPropertyDescriptor<Method> &
        ResultCheck<Method, Result> &
        PayloadCheck<Parameters<Method>, Payload>,
    ) => void;

type Settled<Returned> =
  Returned extends Observable<infer Value> ? Value : Awaited<Returned>;

type ResultCheck<Method extends (...args: never[]) => unknown, Result> = [
  Settled<ReturnType<Method>>,
] extends [Result]
  ? unknown
  : {
      'this handler does not return the result of its job; if an interceptor makes it of what it returns: @JobHandler<Payload>(definition)': Result;
    };

/** Parameters that the compiler takes for `(payload, context)`. */
type PayloadCheck<Args extends readonly unknown[], Payload> = Args extends []
  ? unknown
  : Args extends [unknown?] | [unknown?, JobContext?]
    ? Fits<Payload, Args[0]> extends true
      ? unknown
      : {
          'this handler does not take the payload of its job; if a pipe or a decorator fills the parameter: @JobHandler<unknown>(definition)': Payload;
        }
    : unknown;

/** What a first parameter may be: the payload, the context, the manager of a transactional handler, or a field of the payload. */
type Fits<Payload, First> = [Payload] extends [First]
  ? true
  : [First] extends [JobContext | EntityManager]
    ? true
    : [Extract<FieldsOf<Payload>, First>] extends [never]
      ? false
      : true;

type FieldsOf<Payload> = Payload extends object
  ? Payload extends readonly unknown[]
    ? never
    : Payload[keyof Payload]
  : never;
