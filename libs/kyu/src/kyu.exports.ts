import type { InjectionToken, Provider } from '@nestjs/common';
import { getDataSourceToken, getRepositoryToken } from '@nestjs/typeorm';
import type { Registration } from './config/registration.js';
import { KyuEvents } from './events/kyu-events.js';
import { getKyuHealthToken } from './health/inject-kyu-health.js';
import { KyuHealth } from './health/kyu-health.js';
import { Job } from './job/job.entity.js';
import { forOtherCopies } from './kyu.copies.js';
import { KYU_DATA_SOURCE } from './kyu.tokens.js';
import { METRIC_NAMES, metricToken } from './metrics/metrics.providers.js';
import { getQueueToken } from './queue/inject-queue.js';
import { QueueService } from './queue/queue.service.js';

/**
 * What the application can inject. The default registration exports the classes themselves; a named one has the same classes inside, and lends them
 * out under tokens with its name, so that the two never stand for each other.
 */
export function exportsOf({ name }: Registration): {
  tokens: InjectionToken[];
  providers: Provider[];
} {
  const dataSource = getDataSourceToken(KYU_DATA_SOURCE);
  const jobs = getRepositoryToken(Job, KYU_DATA_SOURCE);
  if (name === undefined) {
    const aliases = forOtherCopies();
    return {
      tokens: [
        QueueService,
        KyuEvents,
        KyuHealth,
        dataSource,
        jobs,
        ...METRIC_NAMES.map(metricToken),
        ...aliases.map(({ provide }) => provide),
      ],
      providers: aliases,
    };
  }
  const source = `${KYU_DATA_SOURCE}:${name}`;
  const aliases = [
    { provide: getQueueToken(name), useExisting: QueueService },
    { provide: getKyuHealthToken(name), useExisting: KyuHealth },
    { provide: getDataSourceToken(source), useExisting: dataSource },
    { provide: getRepositoryToken(Job, source), useExisting: jobs },
  ];
  return { tokens: aliases.map(({ provide }) => provide), providers: aliases };
}
