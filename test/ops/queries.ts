import { readJson, readYaml } from './files.js';
import { labelsInTemplate, readExpression, type Expression } from './promql.js';
import type { Series } from './exposition.js';

/** An expression of the dashboard or the rules, with the texts that name its labels. */
export interface Query {
  where: string;
  expr: string;
  templates: string[];
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string }[];
  fieldConfig?: { defaults: { unit?: string } };
}
export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; type: string }[] };
  annotations: {
    list: { name: string; target: { expr: string }; titleFormat: string }[];
  };
}
interface RulesFile {
  groups: {
    rules: {
      alert: string;
      expr: string;
      labels: Record<string, string>;
      annotations: Record<string, string>;
    }[];
  }[];
}
interface PrometheusFile {
  rule_files: string[];
  scrape_configs: {
    job_name: string;
    dns_sd_configs: { names: string[]; type: string; port: number }[];
  }[];
}

const OPS = 'apps/example/ops';
export const DASHBOARD = readJson<Dashboard>(
  `${OPS}/grafana/dashboards/kyu.json`,
);
export const PROMETHEUS = readYaml<PrometheusFile>(
  `${OPS}/prometheus/prometheus.yml`,
);
export const RULES = readYaml<RulesFile>(
  `${OPS}/prometheus/rules.yml`,
).groups.flatMap(({ rules }) => rules);

export const QUERIES: Query[] = [
  ...DASHBOARD.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      where: `panel "${title}"`,
      expr,
      templates: [legendFormat],
    })),
  ),
  ...DASHBOARD.annotations.list.map(({ name, target, titleFormat }) => ({
    where: `annotation "${name}"`,
    expr: target.expr,
    templates: [titleFormat],
  })),
  ...RULES.map(({ alert, expr, annotations }) => ({
    where: `alert ${alert}`,
    expr,
    templates: Object.values(annotations),
  })),
];

/** What Prometheus adds to each series that it scrapes. */
const TARGET_LABELS = ['job', 'instance'];
/** What Prometheus makes itself, for each target and for each alert. */
const MADE_BY_PROMETHEUS = new Map([
  ['up', new Set<string>()],
  ['ALERTS', new Set(['alertname', 'alertstate', 'severity'])],
]);

/** What a query names and nobody exports, in words; empty when all is there. */
export function problemsOf(query: Query, exported: Series): string[] {
  const problems: string[] = [];
  const expression = readExpression(query.expr);
  const labelsOf = (metric: string): Set<string> | undefined => {
    const own = exported.get(metric) ?? MADE_BY_PROMETHEUS.get(metric);
    return own && new Set([...own, ...TARGET_LABELS]);
  };

  for (const { metric, labels, matchers } of expression.selectors) {
    const known = labelsOf(metric);
    if (!known) {
      problems.push(`${query.where}: no series "${metric}"`);
      continue;
    }
    for (const label of labels)
      if (!known.has(label))
        problems.push(`${query.where}: "${metric}" has no label "${label}"`);
    for (const { label, value } of matchers)
      if (label === 'job')
        for (const job of value.split('|'))
          if (!JOBS.includes(job))
            problems.push(`${query.where}: no scrape job "${job}"`);
  }
  const kept = keptLabels(expression, labelsOf);
  for (const label of query.templates.flatMap(labelsInTemplate))
    if (!kept.has(label))
      problems.push(`${query.where}: its result has no label "${label}"`);
  return problems;
}

const JOBS = PROMETHEUS.scrape_configs.map(({ job_name }) => job_name);

function keptLabels(
  { groupedBy, selectors }: Expression,
  labelsOf: (metric: string) => Set<string> | undefined,
): Set<string> {
  if (groupedBy) return new Set(groupedBy);
  return new Set(
    selectors.flatMap(({ metric }) => [...(labelsOf(metric) ?? [])]),
  );
}
