import type { AppMessage } from './settings.js';

/** To the harness, if it is still there. */
export const tell = (message: AppMessage): void => {
  if (process.connected) process.send?.(message, () => undefined);
};
