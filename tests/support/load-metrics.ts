/** The names of series, each with its labels; null for a series without a sample. */
export type ExportedMetrics = Map<string, Set<string> | null>;

/** The series that these processes export at /metrics, merged. */
export async function loadMetrics(urls: string[]): Promise<ExportedMetrics> {
  const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const exported: ExportedMetrics = new Map();
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, declared = '', type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    for (const name of seriesOf(declared, type)) if (!exported.has(name)) exported.set(name, null);
    const [, sampled, labels = ''] = /^([a-z]\w*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (sampled === undefined) continue;
    const known = exported.get(sampled) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    exported.set(sampled, known);
  }
  return exported;
}

function seriesOf(name: string, type: string | undefined): string[] {
  if (type === undefined) return [];
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : [name];
}
