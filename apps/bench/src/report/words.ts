import { measure } from '../scenarios/scenarios.js';
import type { Target } from './targets.js';

/** Three digits that count, with thin groups: 31 400, 2.51, 0.07. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 1000)
    return String(Math.round(rounded)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return String(rounded);
}

/** `≥ 3.5 × bullmq`, `≤ 50 ms`. */
export function goal({
  measure: id,
  against,
  atLeast,
  atMost,
}: Target): string {
  const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  if (against === undefined) return `${limit} ${measure(id).unit}`;
  if ('peer' in against) return `${limit} × ${against.peer}`;
  if ('measure' in against)
    return `${limit} × “${measure(against.measure).title}”`;
  return `${limit} × the best of the peers`;
}

/** `4.1 ×` for ratios, `12 ms` for numbers. */
export function reached(target: Target, value: number): string {
  return target.against === undefined
    ? `${number(value)} ${measure(target.measure).unit}`
    : `${number(value)} ×`;
}
