import type { KyuConfig } from '../config/kyu.config.js';

const MARGIN_MS = 3_000;

/**
 * A worker stops its jobs this long before others may take them: a tick of its watch, and the time that a handler needs to notice its signal. A quarter of
 * heartbeatTimeout if that is less. So whoever is not fenced keeps what it owns for at least this long.
 */
export const fenceMarginMs = ({ heartbeatTimeoutMs }: KyuConfig): number =>
  Math.min(MARGIN_MS, heartbeatTimeoutMs / 4);
