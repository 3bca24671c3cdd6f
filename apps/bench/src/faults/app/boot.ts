import { Ledger } from '../../../../../test/chaos/app/ledger.js';
import { loadPeer, type Peer } from './peer.js';
import { readSettings, type AppSettings } from './settings.js';

export interface App {
  settings: AppSettings;
  ledger: Ledger;
  peer: Peer;
}

export async function boot(): Promise<App> {
  // Whoever started this process is gone, and nobody would ever end it.
  process.once('disconnect', () => process.exit(3));
  const settings = readSettings();
  const ledger = new Ledger(settings.ledgerFile);
  const peer = await loadPeer(settings.peer);
  return { settings, ledger, peer };
}

/** To the harness, if it is still there. */
export const sayReady = (): void => {
  if (process.connected) process.send?.({ ready: true }, () => undefined);
};

export function closeOnSignal(close: () => Promise<unknown>): void {
  process.once('SIGTERM', () => {
    void close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
