import { parser } from '@prometheus-io/lezer-promql';

/** One use of a series in an expression. */
export interface Selector {
  metric: string;
  /** From the matchers in braces. */
  matchers: { label: string; value: string }[];
  /** Also those of the aggregations and of the matchings (`on`) around it. */
  labels: string[];
}

export interface Expression {
  selectors: Selector[];
  /** Labels that the outermost aggregation keeps; undefined when there is none, so that the series' own stay. */
  groupedBy: string[] | undefined;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/**
 * The series and labels that an expression names, by Prometheus' own grammar.
 *
 * @throws {SyntaxError}
 */
export function readExpression(expr: string): Expression {
  // Grafana fills these in; any other variable is a syntax error here.
  const promql = expr.replace(
    /\$__(rate_interval|range|interval)\b/g,
    '5m', // any duration
  );
  const selectors: Selector[] = [];
  let groupedBy: string[] | undefined;
  const text = (node: Node) => promql.slice(node.from, node.to);
  const below = (node: Node, name: string): Node[] =>
    children(node).flatMap((child) =>
      child.name === name ? [child] : below(child, name),
    );

  const visit = (node: Node, outer: readonly string[]): void => {
    if (node.type.isError)
      throw new SyntaxError(`PromQL, at ${node.from}: ${promql}`);
    const labels = [...outer];
    if (node.name === 'AggregateExpr' || node.name === 'BinaryExpr') {
      const modifiers = children(node).filter((child) =>
        ['AggregateModifier', 'MatchingModifierClause'].includes(child.name),
      );
      const named = modifiers
        .flatMap((modifier) => below(modifier, 'LabelName'))
        .map(text);
      labels.push(...named);
      if (node.name === 'AggregateExpr') groupedBy ??= named;
    }
    if (node.name === 'VectorSelector') {
      const matchers = below(node, 'UnquotedLabelMatcher').map((matcher) => ({
        label: below(matcher, 'LabelName').map(text).join(''),
        value: below(matcher, 'StringLiteral').map(text).join('').slice(1, -1),
      }));
      selectors.push({
        metric: children(node)
          .filter(({ name }) => name === 'Identifier')
          .map(text)
          .join(''),
        matchers,
        labels: [...labels, ...matchers.map(({ label }) => label)],
      });
    }
    for (const child of children(node)) visit(child, labels);
  };
  visit(parser.parse(promql).topNode, []);
  return { selectors, groupedBy };
}

function children(node: Node): Node[] {
  const found: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling)
    found.push(child);
  return found;
}

/** `{{ $labels.name }}` of a rule's texts and `{{name}}` of a dashboard's legends. */
export const labelsInTemplate = (template: string): string[] =>
  [...template.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(
    ([, label]) => label!,
  );
