import { defineJob, type QueueService } from '@kyu/nestjs';

export const Greet = defineJob<{ name: string }, string>('greet', {
  maxRetries: 1,
  timeout: '5s',
});

export const Quarrel = defineJob<null, string>('quarrel');

declare module '@kyu/nestjs' {
  interface JobTypes {
    greet_by_name: { name: string };
  }
}

/** Compiled, never called: what the packed types must refuse. */
export function refused(queue: QueueService): Promise<string>[] {
  return [
    // @ts-expect-error: not its payload
    queue.enqueue(Greet, { wrong: 1 }),
    // @ts-expect-error: not its payload
    queue.enqueue('greet_by_name', { wrong: 1 }),
    queue.enqueue('greet_by_name', { name: 'Ada' }),
  ];
}
