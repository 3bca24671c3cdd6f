import { MEASURES } from '../scenarios/scenarios.js';
import type { Result } from './results.js';
import { judge, TARGETS, withinReach, type Target } from './targets.js';

const result = (
  scenario: string,
  contestant: Result['contestant'],
  median: number,
): Result => ({
  scenario,
  contestant,
  unit: 'jobs/s',
  median,
  min: median,
  max: median,
  values: [median],
});

const atLeast: Target = {
  measure: 'process',
  against: { peer: 'bullmq' },
  atLeast: 3,
};
const results = [
  result('process', 'kyu', 20),
  result('process', 'bullmq', 10),
  result('latency-p99', 'kyu', 5),
  result('latency-p99', 'bullmq', 6),
  result('latency-p99', 'pg-boss', 4),
];

describe('targets', () => {
  it('are about what is measured', () => {
    const ids = MEASURES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const meant = TARGETS.flatMap(({ measure, against }) =>
      against && 'measure' in against ? [measure, against.measure] : measure,
    );
    expect(ids).toEqual(expect.arrayContaining(meant));
  });

  it('ask the same of latency in one process and in two', () => {
    const of = (setUp: string): Target[] =>
      TARGETS.filter(({ measure }) =>
        [`${setUp}-p50`, `${setUp}-p99`].includes(measure),
      );
    const apart = of('latency-apart');
    expect(apart).toHaveLength(5);
    expect(
      apart.map(({ measure, ...goal }) => ({
        measure: measure.replace('-apart', ''),
        ...goal,
      })),
    ).toEqual(of('latency'));
  });

  it('compare the medians of one run', () => {
    expect(judge(results, [atLeast])).toEqual([
      { target: atLeast, value: 2, passed: false },
    ]);
    expect(judge(results, [{ ...atLeast, atLeast: 2 }])[0]!.passed).toBe(true);
  });

  it('take the lowest of several', () => {
    const target: Target = {
      measure: 'latency-p99',
      against: { lowestOf: ['bullmq', 'pg-boss', 'graphile-worker'] },
      atMost: 1,
    };
    expect(judge(results, [target])).toEqual([
      { target, value: 1.25, passed: false },
    ]);
  });

  it('let half pass where a guard asks for that', () => {
    expect(judge(results, [atLeast], 2)[0]!.passed).toBe(true);
    const far: Target = { ...atLeast, atLeast: 4.1 };
    expect(judge(results, [far], 2)[0]!.passed).toBe(false);
  });

  it('say nothing about what was not measured', () => {
    const target: Target = { ...atLeast, against: { peer: 'floor' } };
    expect(judge(results, [target])).toEqual([]);
    expect(judge([], TARGETS)).toEqual([]);
  });

  it('of a guard are lowered to what was reached, and never raised', () => {
    const [missed] = withinReach([atLeast], results);
    expect(missed).toEqual({ ...atLeast, atLeast: 2 });
    const rounds = results.map((each) => ({
      ...each,
      min: each.median * 0.8,
      max: each.median * 1.25,
    }));
    expect(withinReach([atLeast], rounds)).toEqual([
      { ...atLeast, atLeast: 1.28 }, // 16 / 12.5
    ]);
    const atMost: Target = {
      measure: 'latency-p99',
      against: { peer: 'pg-boss' },
      atMost: 1,
    };
    expect(withinReach([atMost], rounds)).toEqual([
      { ...atMost, atMost: 1.95 }, // 6.25 / 3.2
    ]);
    const easy = { ...atLeast, atLeast: 1.5 };
    const unmeasured = { ...atLeast, measure: 'bulk' };
    expect(withinReach([easy, unmeasured], results)).toEqual([
      easy,
      unmeasured,
    ]);
  });
});
