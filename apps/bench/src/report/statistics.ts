/** @throws for no values: a median of nothing is no number. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Linear between the two nearest; of an even count, the median is the middle of the two. @throws for no values. */
export function percentile(
  values: readonly number[],
  fraction: number,
): number {
  if (values.length === 0) throw new Error('There are no values.');
  const sorted = [...values].sort((a, b) => a - b);
  const position = fraction * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return (
    sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!)
  );
}
