import { readExposition } from './exposition.js';
import { labelsInTemplate, readExpression } from './promql.js';
import { problemsOf } from './queries.js';

/** The checks of the dashboard and the rules, checked: each must be able to fail. */
describe('reading PromQL', () => {
  it('finds series, the labels of matchers and of what is around', () => {
    const { selectors, groupedBy } = readExpression(
      'histogram_quantile(0.9, sum by (le, type) (rate(a_bucket{job="worker"}[5m]))) > on (type) b',
    );
    expect(groupedBy).toEqual(['le', 'type']);
    expect(selectors).toEqual([
      {
        metric: 'a_bucket',
        matchers: [{ label: 'job', value: 'worker' }],
        labels: ['type', 'le', 'type', 'job'],
      },
      { metric: 'b', matchers: [], labels: ['type'] },
    ]);
  });

  it('takes neither functions, keywords nor strings for series', () => {
    const { selectors, groupedBy } = readExpression(
      'absent(up{job="rate(x[5m])"} == 1) unless time() > 0',
    );
    expect(selectors.map(({ metric }) => metric)).toEqual(['up']);
    expect(groupedBy).toBeUndefined();
  });

  it("knows Grafana's variables, and no others", () => {
    expect(readExpression('rate(a[$__rate_interval])').selectors).toHaveLength(
      1,
    );
    expect(() => readExpression('rate(a[$other])')).toThrow(SyntaxError);
  });

  it.each(['sum(a', 'rate(a[5m)', 'sum by job (a)', 'a >', ''])(
    'refuses %j',
    (expr) => expect(() => readExpression(expr)).toThrow(SyntaxError),
  );

  it('finds the labels in legends and in texts of rules', () => {
    expect(labelsInTemplate('{{job}} {{ instance }} heap')).toEqual([
      'job',
      'instance',
    ]);
    expect(
      labelsInTemplate(
        '{{ $value | humanizePercentage }} of {{ $labels.job_type }}',
      ),
    ).toEqual(['job_type']);
  });
});

describe('reading a /metrics page', () => {
  it('finds series and their labels, whatever the values are', () => {
    const page = [
      '# HELP a Help with {braces="x"}.',
      '# TYPE a counter',
      'a{type="a \\"b\\", c=\\"d",x="}"} 1',
      'a{y="1"} 2.5e-7',
      'b Nan',
      '',
    ].join('\n');
    expect(readExposition(page)).toEqual(
      new Map([
        ['a', new Set(['type', 'x', 'y'])],
        ['b', new Set()],
      ]),
    );
  });
});

describe('comparing a query with what is exported', () => {
  const exported = readExposition('runs{type="a"} 1\ndepth 0\n');
  const problems = (expr: string, ...templates: string[]) =>
    problemsOf({ where: 'here', expr, templates }, exported);

  it('has nothing against what is there', () => {
    expect(problems('sum by (type) (rate(runs[5m]))', '{{type}}')).toEqual([]);
    expect(problems('depth{job="worker"}', '{{instance}}')).toEqual([]);
    expect(problems('up{job=~"api|worker"} == 0')).toEqual([]);
  });

  it.each([
    ['rate(walks[5m])', '', 'here: no series "walks"'],
    ['sum by (kind) (runs)', '', 'here: "runs" has no label "kind"'],
    ['depth{type="a"}', '', 'here: "depth" has no label "type"'],
    ['up{job="cook"}', '', 'here: no scrape job "cook"'],
    ['sum(runs)', '{{type}}', 'here: its result has no label "type"'],
    ['depth', '{{ $labels.type }}', 'here: its result has no label "type"'],
  ])('finds what is wrong with %s %s', (expr, template, problem) => {
    expect(problems(expr, template)).toEqual([problem]);
  });
});
