import type { AddressInfo } from 'node:net';
import { startKyu } from '../support/start-kyu.js';
import { readExposition, type Series } from './exposition.js';
import { problemsOf, QUERIES } from './queries.js';

/** What a real application serves after it has run a job that completes and one that dies. */
async function exportedSeries(): Promise<Series> {
  const kyu = await startKyu({
    handlers: {
      completes: () => 'done',
      fails: () => {
        throw new Error('on purpose');
      },
    },
  });
  const settled = Promise.all([
    kyu.nextEvent('job.settled', ({ jobType }) => jobType === 'completes'),
    kyu.nextEvent('job.settled', ({ jobType }) => jobType === 'fails'),
  ]);
  await kyu.queue.enqueue('completes', {});
  await kyu.queue.enqueue('fails', {}, { maxRetries: 0 });
  await settled;

  await kyu.app.listen(0, '127.0.0.1');
  const { port } = kyu.app.getHttpServer().address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  return readExposition(await response.text());
}

describe('the dashboard and the alerts', () => {
  it('name only series and labels that the application exports', async () => {
    const exported = await exportedSeries();
    expect(QUERIES.length).toBeGreaterThan(20);
    expect(QUERIES.flatMap((query) => problemsOf(query, exported))).toEqual([]);
    // The same check on the same page, with a name that is not there.
    const wrong = { where: 'x', expr: 'kyu_no_such_total', templates: [] };
    expect(problemsOf(wrong, exported)).toEqual([
      'x: no series "kyu_no_such_total"',
    ]);
  });
});
