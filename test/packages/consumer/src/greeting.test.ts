import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueService } from '@kyu/nestjs';
import { drain, expectEnqueued, perform, withKyuTesting } from '@kyu/testing';
import { ForbiddenException } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AppModule } from './app.module.js';
import { Greet, Quarrel } from './greeting.job.js';

/** The whole application, without servers. It is not closed, and the process ends all the same. */
for (const mode of ['manual', 'inline'] as const)
  test(`greets, in mode ${mode}`, async () => {
    const module = await withKyuTesting(
      Test.createTestingModule({ imports: [AppModule.with({})] }),
      { mode },
    ).compile();
    await module.init();
    const queue = module.get(QueueService);
    const id = await queue.enqueue(Greet, { name: ' Ada ' });
    await expectEnqueued(queue, Greet, { where: { name: ' Ada ' }, count: 1 });
    if (mode === 'manual') assert.equal((await drain(queue)).completed, 1);
    assert.equal((await queue.inspect(id)).result, 'Hello Ada, attempt 1!');
    assert.equal(
      await perform(queue, Greet, { name: 'Bob' }, { attempt: 2 }),
      'Hello Bob, attempt 2!',
    );
    await assert.rejects(
      perform(queue, Greet, { name: 'Eve' }),
      ForbiddenException,
    );
    assert.match(await perform(queue, Quarrel, null), /^Sorry/);
  });
