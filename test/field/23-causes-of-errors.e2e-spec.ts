import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { BadRequestException } from '@nestjs/common';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** A port on which nothing listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('field 23: the causes of an error', () => {
  it.each<[string, () => unknown, string[]]>([
    [
      'of fetch()',
      async () => fetch(`http://127.0.0.1:${await closedPort()}/`),
      [
        'fetch failed',
        expect.stringMatching(
          /^Caused by: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
        ) as string,
      ],
    ],
    [
      'of Promise.any()',
      () =>
        Promise.any([
          Promise.reject(new Error('mirror 1 is down')),
          Promise.reject(new TypeError('mirror 2 is odd')),
        ]),
      [
        'All promises were rejected',
        'Error 1 of 2: mirror 1 is down',
        'Error 2 of 2: TypeError: mirror 2 is odd',
      ],
    ],
    [
      'of a ValidationPipe',
      () => {
        throw new BadRequestException([
          'to must be an email',
          'age is missing',
        ]);
      },
      ['Bad Request Exception: to must be an email; age is missing'],
    ],
    [
      'of one’s own',
      () => {
        const axios = Object.assign(new Error('Request failed'), {
          code: 'ECONNRESET',
          config: { headers: { authorization: 'Bearer s3cret' } },
        });
        throw new Error('Cannot charge', { cause: axios });
      },
      ['Cannot charge', 'Caused by: Request failed (ECONNRESET)'],
    ],
  ])('are kept in the row and its history: %s', async (_, work, lines) => {
    const kyu = await startKyu({ handlers: { t: async () => work() } });
    const job = await runJob(kyu.app, 't', null, { maxRetries: 0 });
    expect(job.errorMessage?.split('\n')).toEqual(lines);
    expect(job.history[0]?.error).toBe(job.errorMessage);
    expect(JSON.stringify(job)).not.toContain('s3cret');
  });

  it('bring their stacks along, within the limits', async () => {
    const kyu = await startKyu({
      handlers: {
        t: async () => {
          const cause = new Error('🦉'.repeat(20_000));
          throw new Error('x'.repeat(20_000), { cause });
        },
      },
    });
    const job = await runJob(kyu.app, 't', null, { maxRetries: 0 });
    const { error, stack } = job.history[0]!;
    expect(error).toContain('\nCaused by: 🦉');
    expect(stack).toContain('\nCaused by: Error: 🦉');
    expect(Buffer.byteLength(error!)).toBeLessThanOrEqual(8 * 1024);
    expect(Buffer.byteLength(stack!)).toBeLessThanOrEqual(16 * 1024);
  });
});
