import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { metricsPathOf } from '../config/registration.js';
import { Registrations } from '../config/registrations.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { MetricsPage } from './metrics-page.js';

/** How often a port that another process uses is tried again: often enough for the next scrape after that process has ended. */
const RETRY_MS = 2_000;

/**
 * Is responsible for `/metrics` on a port of its own, for processes without an HTTP application. Registrations that say the same port share it:
 * the server of the first has the pages of all.
 */
@Injectable()
export class MetricsServer {
  private server: Server | undefined;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly page: MetricsPage,
    private readonly registrations: Registrations,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  /** A port that is taken costs the metrics, not the jobs: it is said once, and tried again until it is free. */
  async start(): Promise<void> {
    const { metricsPort: port } = this.config;
    if (port === 0) return;
    const sharing = this.registrations
      .all(MetricsServer)
      .filter(({ config }) => config.metricsPort === port);
    if (sharing[0] !== this) return;
    const pages = new Map(sharing.map((each) => [each.path, each.page]));
    this.server = createServer((request, response) => {
      answer(pages, request, response).catch(() =>
        response.writeHead(500).end(),
      );
    });
    const error = await listen(this.server, port);
    if (!error) return;
    const busy = error.code === 'EADDRINUSE';
    this.logger.warn(
      `No metrics on port ${port}: ${busy ? `another process uses it; it is tried again every ${RETRY_MS / 1000} s. Give this process another metricsPort, or 0 for none` : error.message}.`,
    );
    if (busy) this.tryLater(this.server, port);
  }

  private tryLater(server: Server, port: number): void {
    this.retry = setTimeout(() => {
      void listen(server, port).then((error) => {
        if (this.server !== server) return void server.close();
        if (error) return this.tryLater(server, port);
        this.logger.log(`Metrics are served on port ${port} now.`);
      });
    }, RETRY_MS);
    this.retry.unref();
  }

  private get path(): string {
    return `/${metricsPathOf(this.config.name)}`;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    clearTimeout(this.retry);
    if (!server?.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections(); // a scraper's keep-alive must not hold up the stop
    });
  }
}

async function answer(
  pages: ReadonlyMap<string, MetricsPage>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const page = pages.get(request.url?.split('?')[0] ?? '');
  // Node leaves out the body of an answer to HEAD.
  if (!page || !['GET', 'HEAD'].includes(request.method ?? ''))
    return void response
      .writeHead(404)
      .end(`Try GET ${[...pages.keys()].sort().join(' or ')}\n`);
  const { status, contentType, text } = await page.answer(request);
  response.writeHead(status, { 'content-type': contentType }).end(text);
}

/** Why the server cannot listen, or undefined when it does. */
function listen(
  server: Server,
  port: number,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.off('listening', listening);
      resolve(error);
    };
    const listening = (): void => {
      server.off('error', failed);
      resolve(undefined);
    };
    server.once('error', failed).once('listening', listening).listen(port);
  });
}
