const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A duration for a person, with two or three digits: `740 ms`, `1.5 s`, `12 min`. */
export function formatMs(ms: number): string {
  const unit = UNITS.find(([, size]) => ms >= size);
  if (!unit) return `${Math.round(ms)} ms`;
  const [name, size] = unit;
  return `${Number((ms / size).toFixed(ms < 10 * size ? 1 : 0))} ${name}`;
}
