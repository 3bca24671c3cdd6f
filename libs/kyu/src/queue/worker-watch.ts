/** What the worker of this process does at this moment. */
export interface WorkerPulse {
  /** `none`: it was never started, this process only enqueues. */
  state: 'none' | 'started' | 'stopped';
  fenced: boolean;
  freeSlots: number;
  /** Since its last claim, or its start. */
  sinceClaimMs: number;
}

/** What a health check needs of the worker, whose own types lead deep into what is nobody's business outside. */
export abstract class WorkerWatch {
  abstract readonly pulse: WorkerPulse;
}
