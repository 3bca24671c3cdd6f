import type { Payload, Setup } from './settings.js';

/** What the handler of every contestant does: the same ledger lines, the same work. `signal` is whatever the contestant gives its handlers. */
export type RunJob = (payload: Payload, signal?: AbortSignal) => Promise<void>;

export interface PeerProducer {
  /** Resolves when the contestant says that the job is stored. */
  enqueue(payload: Payload): Promise<unknown>;
  close(): Promise<void>;
}

export interface PeerWorker {
  /** As on SIGTERM in production: what runs is finished. */
  close(): Promise<void>;
  /** Settles when the contestant gives up by itself, after which a supervisor starts the process anew. */
  ended?: Promise<unknown>;
}

/** What the store says of the jobs that it has not done, by key. */
export interface Stored {
  /** Waits, or is held by a worker that may be gone: it will run some time. */
  held: string[];
  /** Failed for good: nobody will run it again without being asked to. */
  buried: string[];
}

/** A contestant, in its documented production configuration. Every file in peers/ exports one as `peer`. */
export interface Peer {
  /** Once, before anything else: tables and queues. */
  prepare(setup: Setup): Promise<void>;
  produce(setup: Setup): Promise<PeerProducer>;
  work(setup: Setup, run: RunJob): Promise<PeerWorker>;
  stored(setup: Setup): Promise<Stored>;
}

/** By a name that the compiler does not follow, as the peers are installed only where the benchmark runs. */
export async function loadPeer(name: string): Promise<Peer> {
  const file = new URL(`../peers/${name}.js`, import.meta.url).href;
  const { peer } = (await import(file)) as { peer: Peer };
  return peer;
}
