import { join } from './join.js';
import type { Report } from './results.js';

const report = (scenario: string, environment = {}): Report => ({
  environment: {
    date: '2026-11-25',
    command: `npm run bench -- --scenario ${scenario}`,
    rounds: 3,
    quick: false,
    servers: '',
    hardware: { cores: '2' },
    versions: {},
    postgresSettings: {},
    redisSettings: {},
    ...environment,
  },
  results: [
    {
      scenario,
      contestant: 'kyu',
      unit: 'ms',
      median: 1,
      min: 1,
      max: 1,
      values: [1],
    },
  ],
  failures: [],
});

describe('join', () => {
  it('makes one report of several, and names all their commands', () => {
    const joined = join([
      report('idle'),
      report('bulk', { date: '2026-11-26' }),
    ]);
    expect(joined.results.map(({ scenario }) => scenario)).toEqual([
      'idle',
      'bulk',
    ]);
    expect(joined.environment).toMatchObject({
      date: '2026-11-25',
      command:
        'npm run bench -- --scenario idle; npm run bench -- --scenario bulk',
    });
  });

  it('refuses runs of different environments', () => {
    const other = report('bulk', { hardware: { cores: '64' } });
    expect(() => join([report('idle'), other])).toThrow(/another environment/);
  });

  it('refuses to choose between two runs of the same', () => {
    expect(() => join([report('idle'), report('idle')])).toThrow(/choose one/);
  });
});
