// Compiled, never run: each line under @ts-expect-error must be refused, all others must not.
import { JobHandler, type QueueService } from '@kyu/nestjs';

declare module '@kyu/nestjs' {
  interface JobTypes {
    augmented_in_a_type_test: { to: string };
  }
}

declare const queue: QueueService;

void queue.enqueue('augmented_in_a_type_test', { to: 'Ada' });
// @ts-expect-error: not its payload
void queue.enqueue('augmented_in_a_type_test', { wrong: 1 });
void queue.enqueueMany([
  { type: 'augmented_in_a_type_test', payload: { to: 'Ada' } },
  { type: 'unknown', payload: 1 },
]);
void queue.enqueueMany([
  // @ts-expect-error: not its payload
  { type: 'augmented_in_a_type_test', payload: { wrong: 1 } },
]);

// Names that nobody has typed take anything, and so does a name that is only known at run time.
void queue.enqueue('unknown', { any: 'thing' });
declare const name: string;
void queue.enqueue(name, 1);

export class Jobs {
  @JobHandler('augmented_in_a_type_test')
  right(_payload: { to: string }): void {}
  // @ts-expect-error: not its payload
  @JobHandler('augmented_in_a_type_test')
  wrong(_payload: { to: number }): void {}
  @JobHandler('unknown')
  unknown(_payload: { to: number }): void {}
}
