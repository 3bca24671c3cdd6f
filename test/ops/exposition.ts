/** The label names of each series of a `/metrics` page. */
export type Series = ReadonlyMap<string, ReadonlySet<string>>;

export function readExposition(page: string): Map<string, Set<string>> {
  const series = new Map<string, Set<string>>();
  for (const line of page.split('\n')) {
    const [, name, labels = ''] =
      /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (!name) continue; // a comment or the end
    const known = series.get(name) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g))
      known.add(label!);
    series.set(name, known);
  }
  return series;
}
