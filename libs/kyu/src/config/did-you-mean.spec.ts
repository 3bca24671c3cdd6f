import { didYouMean } from './did-you-mean.js';
import { OPTIONS_SCHEMA, POSTGRES_SCHEMA } from './options.schema.js';

describe('didYouMean', () => {
  const options = Object.keys(OPTIONS_SCHEMA);

  it.each([
    ['worker', 'workers'],
    ['wokers', 'workers'],
    ['WORKERS', 'workers'],
    ['Workers', 'workers'],
    ['concurency', 'concurrency'],
    ['queuename', 'queueName'],
    ['maxRetry', 'maxRetries'],
    ['metricPort', 'metricsPort'],
    ['heartbeatInterva', 'heartbeatInterval'],
    ['heartBeatTimeout', 'heartbeatTimeout'],
    ['postgresql', 'postgres'],
    ['timeuot', 'timeout'],
  ])('takes %s for %s', (word, meant) => {
    expect(didYouMean(word, [...options, 'concurrency'])).toBe(meant);
  });

  it('takes maxConnection for maxConnections', () => {
    expect(didYouMean('maxConnection', Object.keys(POSTGRES_SCHEMA))).toBe(
      'maxConnections',
    );
  });

  it.each(['x', '', 'elephant', 'a very long option that is none at all'])(
    'has no idea what %j is meant to be',
    (word) => {
      expect(didYouMean(word, options)).toBeUndefined();
    },
  );

  it('takes the nearest, and of two that are as near the first', () => {
    expect(didYouMean('abcd', ['abxx', 'abcx', 'abc'])).toBe('abcx');
  });

  it('has nothing to offer from nothing', () => {
    expect(didYouMean('workers', [])).toBeUndefined();
  });
});
