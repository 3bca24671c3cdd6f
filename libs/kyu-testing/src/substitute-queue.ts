import { KyuEvents, QueueService } from '@kyu/nestjs';
import {
  Announcer,
  DatabaseClock,
  HandlerRegistry,
  JobInserter,
  JobReader,
  JobRunner,
  JobScope,
  JobStore,
  KyuConfig,
  OpenCalls,
  TransactionalEnqueue,
} from '@kyu/nestjs/testing-internals';
import type { InjectionToken } from '@nestjs/common';
import { substitute, type Instances, type Substitute } from './substitute.js';
import type { Testbed } from './testbed.js';
import { TestingQueue } from './testing-queue.js';

/** What a queue is made of, in the order of its constructor. */
const PARTS = [
  KyuConfig,
  JobStore,
  JobReader,
  HandlerRegistry,
  JobScope,
  JobRunner,
  KyuEvents,
  TransactionalEnqueue,
  JobInserter,
  Announcer,
  OpenCalls,
  DatabaseClock,
] as const;

type Parts = Instances<typeof PARTS>;

/** The queue with a testbed, which is made of the queue's parts and of `more`. */
export const substituteQueue = <const More extends readonly InjectionToken[]>(
  more: More,
  newTestbed: (parts: Parts, more: Instances<More>) => Testbed,
): Substitute =>
  substitute(QueueService, [...PARTS, ...more], (...injected: unknown[]) => {
    const parts = injected.slice(0, PARTS.length) as unknown as Parts;
    const others = injected.slice(PARTS.length) as unknown as Instances<More>;
    return new TestingQueue(newTestbed(parts, others), ...parts);
  });
