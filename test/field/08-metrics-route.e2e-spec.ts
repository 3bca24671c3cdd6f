import {
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  checkKyuOptions,
  isKyuMetrics,
  KyuModule,
  type KyuOptions,
} from '@kyu/nestjs';
import { map, type Observable } from 'rxjs';
import { bootApp, newGround } from '../support/boot-app.js';
import { freePort } from '../support/free-port.js';

class Wrap implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** As a guard of an application that lets nobody in without a token, but for the metrics. */
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return isKyuMetrics(context);
  }
}

const options = (more: KyuOptions = {}): KyuOptions =>
  newGround().options({ mode: 'producer', redis: false, ...more });

const boot = (
  more: KyuOptions = {},
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<INestApplication> =>
  bootApp({ imports: [KyuModule.forRoot(options(more))] }, prepare);

async function ask(
  app: INestApplication,
  init: RequestInit & { path?: string } = {},
): Promise<{ status: number; type: string | null; text: string }> {
  if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
  const response = await fetch(
    (await app.getUrl()) + (init.path ?? '/metrics'),
    init,
  );
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
}

const PAGE = {
  status: 200,
  type: expect.stringMatching(/^text\/plain; version=/) as string,
  text: expect.stringMatching(/^# HELP kyu_jobs_total/m) as string,
};

describe('field 08: the metrics route in an application of the host', () => {
  it.each([
    { type: VersioningType.URI as const, defaultVersion: '1' },
    { type: VersioningType.HEADER as const, header: 'v', defaultVersion: '1' },
    {
      type: VersioningType.MEDIA_TYPE as const,
      key: 'v=',
      defaultVersion: '1',
    },
  ])('answers with versions by %j', async (versioning) => {
    const app = await boot({}, (each) => each.enableVersioning(versioning));
    expect(await ask(app)).toEqual(PAGE);
  });

  it('is not wrapped by a global interceptor', async () => {
    const app = await boot({}, (each) =>
      each.useGlobalInterceptors(new Wrap()),
    );
    expect(await ask(app)).toEqual(PAGE);
  });

  it('is known to a global guard', async () => {
    const app = await boot({}, (each) => each.useGlobalGuards(new Guard()));
    expect(await ask(app)).toEqual(PAGE);
    expect(await ask(app, { path: '/metrics/nowhere' })).toMatchObject({
      status: 404,
    });
  });

  it('has the global prefix of the application', async () => {
    const app = await boot({}, (each) => each.setGlobalPrefix('api'));
    expect(await ask(app, { path: '/api/metrics' })).toEqual(PAGE);
  });

  it('answers HEAD without a body', async () => {
    const app = await boot();
    expect(await ask(app, { method: 'HEAD' })).toEqual({ ...PAGE, text: '' });
  });

  it('does all of that on Fastify', async () => {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    const module = await Test.createTestingModule({
      imports: [KyuModule.forRoot(options())],
    }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter() as never,
      { logger: false },
    );
    try {
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.setGlobalPrefix('api');
      app.useGlobalInterceptors(new Wrap());
      app.useGlobalGuards(new Guard());
      const path = '/api/metrics';
      expect(await ask(app, { path })).toEqual(PAGE);
      expect(await ask(app, { path, method: 'HEAD' })).toMatchObject({
        status: 200,
        text: '',
      });
      const headers = { 'x-forwarded-for': '203.0.113.7' };
      expect(await ask(app, { path, headers })).toMatchObject({ status: 403 });
    } finally {
      await app.close();
    }
  });
});

describe('field 08: to whom the metrics answer', () => {
  it.each([
    'Forwarded',
    'X-Forwarded-For',
    'X-Real-IP',
    'CF-Connecting-IP',
    'Via',
  ])('not to a request that a proxy has forwarded (%s)', async (name) => {
    const headers = { [name]: '10.0.0.1' }; // whatever it says
    const app = await boot();
    expect(await ask(app, { headers })).toEqual({
      status: 403,
      type: expect.stringMatching(/^text\/plain/) as string,
      text: expect.stringMatching(/metricsAccess/) as string,
    });
  });

  it("to everybody with metricsAccess: 'all'", async () => {
    const app = await boot({ metricsAccess: 'all' });
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    expect(await ask(app, { headers })).toEqual(PAGE);
  });

  it('to whom a function says, in every process that serves them', async () => {
    const metricsPort = await freePort();
    const app = await boot({
      metricsPort,
      metricsAccess: async ({ headers }) =>
        headers.authorization === 'Bearer s3cret',
    });
    const headers = { authorization: 'Bearer s3cret' };
    const page = `http://127.0.0.1:${metricsPort}/metrics`;
    expect(await ask(app, { headers })).toEqual(PAGE);
    expect(await ask(app)).toMatchObject({ status: 403 });
    expect((await fetch(page, { headers })).status).toBe(200);
    expect((await fetch(page)).status).toBe(403);
  });

  it('is checked at boot', () => {
    expect(() => checkKyuOptions({ metricsAccess: 'public' as never })).toThrow(
      /expected "metricsAccess" to be 'private', 'all' or a function/,
    );
  });
});
