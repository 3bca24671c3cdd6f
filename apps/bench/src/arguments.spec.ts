import { parseArguments } from './arguments.js';
import { SCENARIOS } from './scenarios/scenarios.js';

describe('arguments of the benchmark', () => {
  it('run everything three times', () => {
    expect(parseArguments([])).toMatchObject({
      scenarios: SCENARIOS,
      contestants: [],
      rounds: 3,
      quick: false,
    });
  });

  it('choose', () => {
    const args = ['--scenario', 'latency', '--contestant', 'kyu', '--quick'];
    const { scenarios, contestants, rounds } = parseArguments(args);
    expect(scenarios.map(({ name }) => name)).toEqual(['latency']);
    expect(contestants).toEqual(['kyu']);
    expect(rounds).toBe(1);
    expect(parseArguments([...args, '--rounds', '5']).rounds).toBe(5);
  });

  it('guard with the floor and one peer', () => {
    expect(parseArguments(['--guard'])).toMatchObject({
      contestants: ['kyu', 'bullmq', 'floor'],
      quick: true,
    });
  });

  it.each([
    [['--scenario', 'proces'], /no scenario "proces"/],
    [['--contestant', 'sidekiq'], /no contestant "sidekiq"/],
    [['--rounds', '0'], /whole number above 0/],
    [['--rounds', 'x'], /whole number above 0/],
    [['--fast'], /--fast/],
  ])('refuse %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });
});
