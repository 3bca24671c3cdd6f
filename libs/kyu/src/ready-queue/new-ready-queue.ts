import type { LoggerService } from '@nestjs/common';
import type { KyuConfig } from '../config/kyu.config.js';
import { PostgresReadyQueue } from './postgres.ready-queue.js';
import type { ReadyQueue } from './ready-queue.js';
import { RedisReadyQueue } from './redis.ready-queue.js';

/** @param readMark what marks the key in Redis as that of these tables. */
export const newReadyQueue = (
  config: KyuConfig,
  logger: LoggerService,
  readMark: () => Promise<string | undefined>,
): ReadyQueue =>
  config.redis === false
    ? new PostgresReadyQueue()
    : new RedisReadyQueue(
        config.redis,
        config.queueName,
        logger,
        undefined,
        readMark,
      );
