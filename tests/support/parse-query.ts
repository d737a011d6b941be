import { parser } from '@prometheus-io/lezer-promql';

export type Query = {
  /** The series that it reads, each with the labels that it uses. */
  selectors: { metric: string; labels: string[] }[];
  /** The labels by which it groups or joins. */
  groupedBy: string[];
};

/** The series and labels in a PromQL expression, which may contain Grafana's variables. Throws if it does not parse. */
export function parseQuery(expression: string): Query {
  const text = expression.replaceAll(/\$__(rate_interval|interval|range)/g, '5m');
  const query: Query = { selectors: [], groupedBy: [] };
  parser.parse(text).iterate({
    enter({ name, from, to, node, type }) {
      if (type.isError) throw new Error(`not PromQL at "${text.slice(from)}": ${text}`);
      const parent = node.parent?.name;
      if (name === 'VectorSelector') query.selectors.push({ metric: '', labels: [] });
      const selector = query.selectors.at(-1);
      if (name === 'Identifier' && parent === 'VectorSelector' && selector) selector.metric = text.slice(from, to);
      if (name === 'LabelName' && parent === 'GroupingLabels') query.groupedBy.push(text.slice(from, to));
      else if (name === 'LabelName') selector?.labels.push(text.slice(from, to));
    },
  });
  return query;
}
