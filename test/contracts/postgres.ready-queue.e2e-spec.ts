import { PostgresReadyQueue } from '../../libs/kyu/src/ready-queue/postgres.ready-queue.js';
import { describeReadyQueue } from './ready-queue.contract.js';

describeReadyQueue('PostgresReadyQueue', async () => new PostgresReadyQueue());
