import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { isAllowed } from './metrics-access.js';
import { KyuMetrics } from './kyu-metrics.js';

export interface MetricsAnswer {
  status: number;
  contentType: string;
  text: string;
}

const REFUSED: MetricsAnswer = {
  status: 403,
  contentType: 'text/plain; charset=utf-8',
  text:
    'These metrics answer only direct requests from this machine and from private networks, or what the option "metricsAccess" of KyuModule allows.\n' +
    'Scrape the process itself and not through a proxy, or set metricsAccess.\n',
};

/** Is responsible for what a request for the metrics of this registration is answered with, by whichever server it came. */
@Injectable()
export class MetricsPage {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly metrics: KyuMetrics,
  ) {}

  async answer(request: IncomingMessage): Promise<MetricsAnswer> {
    if (!(await isAllowed(this.config.metricsAccess, request))) return REFUSED;
    return {
      status: 200,
      contentType: this.metrics.registry.contentType,
      text: await this.metrics.text(),
    };
  }
}
