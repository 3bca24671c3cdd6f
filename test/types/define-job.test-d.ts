// Compiled, never run: each line under @ts-expect-error must be refused, all others must not.
import { defineJob, type QueueService } from '@kyu/nestjs';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';

declare const queue: QueueService;

interface SendEmail {
  to: string;
  cc?: string[];
}

const SendEmail = defineJob<SendEmail, { id: string }>('send_email', {
  priority: 1,
  maxRetries: 5,
  timeout: '10s',
  backoff: (attempt, error) => (error instanceof RangeError ? 0 : attempt * 10),
  queue: 'mail',
});
const Untyped = defineJob('untyped');

// enqueue
void queue.enqueue(SendEmail, { to: 'Ada' });
void queue.enqueue(SendEmail, { to: 'Ada', cc: [] }, { priority: 3 });
void queue.enqueue(Untyped, { any: 'thing' });
// @ts-expect-error: not its payload
void queue.enqueue(SendEmail, { wrong: 1 });
// @ts-expect-error: a field of another type
void queue.enqueue(SendEmail, { to: 1 });
// @ts-expect-error: a field that there is not
void queue.enqueue(SendEmail, { to: 'Ada', subject: 'Hi' });
// @ts-expect-error: no payload at all
void queue.enqueue(SendEmail);
// @ts-expect-error: the waits belong to the definition or the handler
void queue.enqueue(SendEmail, { to: 'Ada' }, { backoff: { base: 1 } });

// enqueueMany
void queue.enqueueMany([
  { type: SendEmail, payload: { to: 'Ada' }, priority: 1 },
  { type: Untyped, payload: 1 },
  { type: 'plain', payload: 'anything' },
]);
void queue.enqueueMany(
  ['Ada', 'Bob'].map((to) => ({ type: SendEmail, payload: { to } })),
);
void queue.enqueueMany([
  { type: Untyped, payload: 1 },
  // @ts-expect-error: not its payload
  { type: SendEmail, payload: { wrong: 1 } },
]);
void queue.enqueueMany(
  // @ts-expect-error: not its payload
  [1, 2].map((to) => ({ type: SendEmail, payload: { to } })),
);

// register
queue.register(SendEmail, async ({ to }, { id }) => ({ id: to + id }));
// @ts-expect-error: not its result
queue.register(SendEmail, () => 'sent');
// @ts-expect-error: not its payload
queue.register(SendEmail, ({ wrong }: { wrong: string }) => ({ id: wrong }));

// definitions
// @ts-expect-error: an option that there is not
defineJob('x', { retries: 1 });
// @ts-expect-error: priority is a number
defineJob('x', { priority: 'high' });
// @ts-expect-error: frozen
SendEmail.name = 'other';

// schemas: the payload is inferred
const Zod = defineJob('zod', {
  schema: z.object({ n: z.coerce.number(), at: z.coerce.date() }),
  maxRetries: 1,
});
const Valibot = defineJob('valibot', { schema: v.object({ n: v.number() }) });
const Arktype = defineJob('arktype', { schema: type({ n: 'number' }) });
class Dto {
  n: number;
}
const ByClass = defineJob('class', { schema: Dto });
for (const job of [Valibot, Arktype, ByClass])
  void queue.enqueue(job, { n: 1 });
// @ts-expect-error: not its payload
void queue.enqueue(Valibot, { n: 'one' });
// @ts-expect-error: not its payload
void queue.enqueue(Arktype, { n: 'one' });
// @ts-expect-error: not its payload
void queue.enqueue(ByClass, { n: 'one' });

// a schema that transforms: one type goes in, another reaches the handler
const Defaulted = defineJob('defaulted', {
  schema: z.object({ n: z.number().default(1) }),
});
void queue.enqueue(Defaulted, {});
queue.register(Defaulted, ({ n }) => n.toFixed());
queue.register(Zod, ({ at }) => at.toISOString());
// @ts-expect-error: it is a Date by then
queue.register(Zod, ({ at }: { at: string }) => at);

// a schema and a result
const schema = z.object({ n: z.number() });
const Both = defineJob<z.infer<typeof schema>, string>('both', { schema });
queue.register(Both, ({ n }) => n.toFixed());
// @ts-expect-error: not its result
queue.register(Both, ({ n }) => n);
// @ts-expect-error: the schema is of another payload
defineJob<{ other: string }, string>('x', { schema });
