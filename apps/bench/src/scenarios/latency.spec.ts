import { CONTESTANTS } from '../contestants/names.js';
import { latency } from './latency.js';

describe('the scenario latency', () => {
  it('has measures for one process and for two, and says which', () => {
    expect(latency.measures.map(({ id, title }) => [id, title])).toEqual([
      ['latency-p50', expect.stringContaining('one process')],
      ['latency-p99', expect.stringContaining('one process')],
      ['latency-apart-p50', expect.stringContaining('two processes')],
      ['latency-apart-p99', expect.stringContaining('two processes')],
    ]);
  });

  it('has every queue in both, and no floor', () => {
    const queues = CONTESTANTS.filter((name) => name !== 'floor');
    expect(
      latency.entrants.map(({ contestant, label }) => [contestant, label]),
    ).toEqual(
      ['one process', 'two processes'].flatMap((label) =>
        queues.map((name) => [name, label]),
      ),
    );
  });
});
