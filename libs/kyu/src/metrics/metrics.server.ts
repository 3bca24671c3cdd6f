import { createServer, type Server } from 'node:http';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { metricsPathOf } from '../config/registration.js';
import { Registrations } from '../config/registrations.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { KyuMetrics } from './kyu-metrics.js';

/**
 * Is responsible for `/metrics` on a port of its own, for processes without an HTTP application. Registrations that say the same port share it:
 * the server of the first has the pages of all.
 */
@Injectable()
export class MetricsServer {
  private server: Server | undefined;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly metrics: KyuMetrics,
    private readonly registrations: Registrations,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  /** A port that is taken costs the metrics, not the jobs: it is said, and the process works on. */
  async start(): Promise<void> {
    const { metricsPort: port } = this.config;
    if (port === 0) return;
    const sharing = this.registrations
      .all(MetricsServer)
      .filter(({ config }) => config.metricsPort === port);
    if (sharing.some((each) => each.server)) return;
    const pages = new Map(sharing.map((each) => [each.path, each.metrics]));
    const server = createServer((request, response) => {
      const page = pages.get(request.url?.split('?')[0] ?? '');
      if (request.method !== 'GET' || !page)
        return void response
          .writeHead(404)
          .end(`Try GET ${[...pages.keys()].sort().join(' or ')}\n`);
      page.text().then(
        (text) =>
          response
            .writeHead(200, { 'content-type': page.registry.contentType })
            .end(text),
        () => response.writeHead(500).end(),
      );
    });
    await new Promise<void>((resolve) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        this.logger.warn(
          `No metrics on port ${port}: ${error.code === 'EADDRINUSE' ? 'another process uses it; give this one another metricsPort, or 0 for none' : error.message}.`,
        );
        resolve();
      });
      server.listen(port, () => {
        this.server = server;
        resolve();
      });
    });
  }

  private get path(): string {
    return `/${metricsPathOf(this.config.name)}`;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections(); // a scraper's keep-alive must not hold up the stop
    });
  }
}
