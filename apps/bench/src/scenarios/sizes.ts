/** How much of everything. */
export interface Sizes {
  /** Jobs that wait when a worker begins. */
  backlog: number;
  /** Handled before the measured window begins: compiled code, warm caches, open connections. */
  warmUp: number;
  /** Length of a measured window. */
  windowMs: number;
  warmUpMs: number;
  /** Single jobs whose latency is taken, and the mean pause between them. */
  latencyJobs: number;
  latencyPauseMs: number;
  scheduledJobs: number;
  finishedRows: number;
  pendingRows: number;
  scheduledRows: number;
  /** How long a transaction is held open at full load. */
  pinnedMs: number;
  idleMs: number;
  scaleBacklog: number;
  priorityBacklog: number;
  urgentJobs: number;
  /** Timed calls of a micro-benchmark. */
  dispatches: number;
}

export const FULL: Sizes = {
  backlog: 250_000,
  warmUp: 5_000,
  windowMs: 5_000,
  warmUpMs: 1_500,
  latencyJobs: 500,
  latencyPauseMs: 30,
  scheduledJobs: 200,
  finishedRows: 5_000_000,
  pendingRows: 1_000_000,
  scheduledRows: 1_000_000,
  pinnedMs: 120_000,
  idleMs: 30_000,
  scaleBacklog: 200_000,
  priorityBacklog: 100_000,
  urgentJobs: 5,
  dispatches: 1_000_000,
};

/** Shows that everything works and roughly how fast: its numbers are no results. */
export const QUICK: Sizes = {
  backlog: 40_000,
  warmUp: 2_000,
  windowMs: 1_000,
  warmUpMs: 700,
  latencyJobs: 100,
  latencyPauseMs: 20,
  scheduledJobs: 50,
  finishedRows: 200_000,
  pendingRows: 100_000,
  scheduledRows: 100_000,
  pinnedMs: 10_000,
  idleMs: 6_000,
  scaleBacklog: 60_000,
  priorityBacklog: 30_000,
  urgentJobs: 3,
  dispatches: 100_000,
};
