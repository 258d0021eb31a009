import { parser } from '@prometheus-io/lezer-promql';

interface LabelMatcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** What an expression queries. */
export interface Query {
  readonly selectors: readonly { readonly metric: string; readonly matchers: readonly LabelMatcher[] }[];
  /** Labels in `by` and `on` clauses. */
  readonly groupedBy: readonly string[];
  /** Functions such as `rate`, which need a counter. */
  readonly hasRate: boolean;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Parses an expression with the grammar of Prometheus' own editor. @throws if it is invalid */
export function parsePromql(expression: string): Query {
  const tree = parser.parse(expression);
  // Parse all of it first: the parser repairs errors as it continues.
  tree.iterate({
    enter: ({ from, type }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expression}`);
    },
  });
  const text = ({ from, to }: { from: number; to: number }) => expression.slice(from, to);
  const selectors: { metric: string; matchers: LabelMatcher[] }[] = [];
  const groupedBy: string[] = [];
  let hasRate = false;
  tree.iterate({
    enter: ({ node, name }) => {
      if (name === 'Rate' || name === 'Increase') hasRate = true;
      if (name === 'GroupingLabels') groupedBy.push(...node.getChildren('LabelName').map(text));
      if (name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      selectors.push({
        metric: metric ? text(metric) : '',
        matchers: matchers.map((matcher) => {
          const part = (kind: string) => text(matcher.getChild(kind) as Node);
          return {
            label: part('LabelName'),
            operator: part('MatchOp'),
            value: JSON.parse(part('StringLiteral')) as string,
          };
        }),
      });
    },
  });
  return { selectors, groupedBy, hasRate };
}
