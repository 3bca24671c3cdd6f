import {
  QueueService,
  type EnqueueOptions,
  type EnqueueTransaction,
  type JobToEnqueue,
} from '@kyu/nestjs';
import type { InputOf, JobType } from '@kyu/nestjs/testing-internals';
import type { Testbed } from './testbed.js';

type QueueParts = ConstructorParameters<typeof QueueService>;

/** The queue of the application under test, as it is, with what the test knows of it. */
export class TestingQueue extends QueueService {
  constructor(
    readonly testbed: Testbed,
    ...parts: QueueParts
  ) {
    super(...parts);
  }

  override async enqueue<Type extends JobType>(
    type: Type,
    payload: InputOf<Type>,
    options?: EnqueueOptions & EnqueueTransaction,
  ): Promise<string> {
    const id = await super.enqueue(type, payload, options);
    await this.testbed.afterEnqueue([
      { id, scheduledAt: options?.scheduledAt },
    ]);
    return id;
  }

  override async enqueueMany<const Types extends readonly JobType[]>(
    jobs: readonly [...{ [Job in keyof Types]: JobToEnqueue<Types[Job]> }],
    transaction?: EnqueueTransaction,
  ): Promise<string[]> {
    const ids = await super.enqueueMany<Types>(jobs, transaction);
    await this.testbed.afterEnqueue(
      ids.map((id, index) => ({ id, scheduledAt: jobs[index]!.scheduledAt })),
    );
    return ids;
  }

  override async cancelJob(id: string): Promise<'cancelled' | 'cancelling'> {
    const answer = await super.cancelJob(id);
    if (answer === 'cancelling') await this.testbed.afterCancel();
    return answer;
  }
}

/** @throws when the queue is not one of a module under test. */
export function testbedOf(queue: QueueService): Testbed {
  // Not `instanceof`: it may be one of another copy of this package.
  const { testbed } = queue as Partial<TestingQueue>;
  if (testbed) return testbed;
  throw new Error(
    'This QueueService is not one of @kyu/testing. Take it from an application that imports KyuTestingModule.forRoot({ mode }), or that was built by ' +
      "withKyuTesting(Test.createTestingModule({ imports: [AppModule] }), { mode }): app.get(QueueService), or app.get(getQueueToken('billing')).",
  );
}
