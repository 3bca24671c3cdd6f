import type { IncomingMessage } from 'node:http';
import {
  Controller,
  Get,
  Req,
  Res,
  VERSION_NEUTRAL,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { MetricsPage } from './metrics-page.js';

/** On the class, for {@link isKyuMetrics}: `Symbol.for`, because an application may have two copies of this package. */
const METRICS_CONTROLLER = Symbol.for('kyu:metrics-controller');

/**
 * Whether a request is one for Kyu's metrics: for global guards of the application, which stand in front of this route as of any other. Who gets an answer is then
 * for the option `metricsAccess` to say.
 *
 * @publicApi
 */
export const isKyuMetrics = (context: ExecutionContext): boolean =>
  METRICS_CONTROLLER in context.getClass();

/**
 * A controller of its own for each registration, because the path stands in the class's metadata. Prometheus knows nothing of versions, so it answers in all of
 * them. It sends the answer by itself, so that no interceptor of the application changes it.
 */
export function metricsController(path: string): Type<unknown> {
  @Controller({ path, version: VERSION_NEUTRAL })
  class KyuMetricsController {
    static readonly [METRICS_CONTROLLER] = true;

    constructor(
      private readonly page: MetricsPage,
      private readonly adapters: HttpAdapterHost,
    ) {}

    @Get()
    async index(
      @Req() request: IncomingMessage | { raw: IncomingMessage },
      @Res() response: unknown,
    ): Promise<void> {
      // Fastify has Node's own request inside of its own.
      const plain = 'raw' in request ? request.raw : request;
      const { status, contentType, text } = await this.page.answer(plain);
      const { httpAdapter } = this.adapters;
      httpAdapter.setHeader(response, 'Content-Type', contentType);
      httpAdapter.reply(response, text, status);
    }
  }
  return KyuMetricsController;
}
