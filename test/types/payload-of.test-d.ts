// Compiled, never run: each line under @ts-expect-error must be refused, all others must not.
import {
  defineJob,
  type InputOf,
  type JobDefinition,
  type PayloadOf,
  type ResultOf,
} from '@kyu/nestjs';
import { z } from 'zod';

declare module '@kyu/nestjs' {
  interface JobTypes {
    named_in_a_type_test: { to: string };
  }
}

/** Compiles only when both are the same type. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
    ? true
    : false;
declare function same<A, B>(equal: Same<A, B>): void;

const SendEmail = defineJob<{ to: string }, { messageId: string }>('send');
same<PayloadOf<typeof SendEmail>, { to: string }>(true);
same<InputOf<typeof SendEmail>, { to: string }>(true);
same<ResultOf<typeof SendEmail>, { messageId: string }>(true);
// @ts-expect-error: another payload
same<PayloadOf<typeof SendEmail>, { to: number }>(true);

const Resize = defineJob('resize', {
  schema: z.object({ at: z.coerce.date(), width: z.string().default('1px') }),
});
same<PayloadOf<typeof Resize>, { at: Date; width: string }>(true);
const input: InputOf<typeof Resize> = { at: '2030-01-01' };
export const shown = input.width?.length;
same<ResultOf<typeof Resize>, unknown>(true);

const Any = defineJob('any');
same<PayloadOf<typeof Any>, unknown>(true);
same<ResultOf<typeof Any>, unknown>(true);

const Nothing = defineJob<null, void>('nothing');
same<PayloadOf<typeof Nothing>, null>(true);
same<ResultOf<typeof Nothing>, void>(true);

same<PayloadOf<'named_in_a_type_test'>, { to: string }>(true);
same<PayloadOf<'nobody_typed_this'>, unknown>(true);
same<ResultOf<'named_in_a_type_test'>, unknown>(true);
same<PayloadOf<JobDefinition<number[], boolean>>, number[]>(true);
// @ts-expect-error: no job type
export type Wrong = PayloadOf<7>;
