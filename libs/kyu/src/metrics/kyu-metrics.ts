import { Inject, Injectable } from '@nestjs/common';
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { JobReader } from '../store/job-reader.js';

/** Seconds. From a job that only counts to one that converts a film. */
const RUN_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300];
/** An idle worker claims within a millisecond; the alerts are about minutes. */
const WAIT_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 3600,
];

/**
 * How often the lag of the event loop is sampled. prom-client's default of 10 ms wakes an idle process a hundred times a second, which was two thirds of all
 * it did. What is worth an alert is longer than this. The interval is part of each sample, so at rest the lag reads 0.1 s.
 */
const LAG_SAMPLE_MS = 100;

/**
 * Is responsible for the numbers. They are counted from events, which come after the commit, so each reconciles with the table. The registry is this
 * instance's own: two queues, or two applications, in one process do not meet.
 */
@Injectable()
export class KyuMetrics {
  readonly registry = new Registry();
  private readonly unsubscribe: (() => void)[];

  constructor(
    @Inject(KyuConfig) config: KyuConfig,
    reader: JobReader,
    events: KyuEvents,
    handlers: HandlerRegistry,
  ) {
    const registers = [this.registry];
    // Node's own numbers are the process's: once is enough, and no queue's.
    if (config.name === undefined)
      collectDefaultMetrics({
        register: this.registry,
        eventLoopMonitoringPrecision: LAG_SAMPLE_MS,
      });
    else this.registry.setDefaultLabels({ queue: config.name });

    // The five of the original, by their names and labels.
    const submitted = new Counter({
      name: 'kyu_jobs_total',
      help: 'Jobs submitted by this process.',
      registers,
    });
    const processed = new Counter({
      name: 'kyu_jobs_processed_total',
      help: 'Runs that this process ended, by the state they left the job in.',
      labelNames: ['status'],
      registers,
    });
    // From zero: a series that begins with its first event shows no rate and no increase for it.
    for (const status of ['completed', 'failed', 'dead', 'cancelled'])
      processed.inc({ status }, 0);
    const started = new Set<string>();
    const start = (job_type: string): void => {
      if (started.has(job_type)) return;
      started.add(job_type);
      failures.inc({ job_type }, 0);
      waited.zero({ job_type });
      ran.zero({ job_type });
    };
    // At each scrape, because a handler may be registered at any time.
    const collect = (): void => handlers.jobTypes.forEach(start);
    const failures = new Counter({
      name: 'kyu_job_failures_total',
      help: 'Failed runs, by job type.',
      labelNames: ['job_type'],
      registers,
      collect,
    });
    const dead = new Counter({
      name: 'kyu_jobs_dead_total',
      help: 'Jobs that exhausted their retries, or killed too many workers.',
      registers,
    });
    // Kept by its registry; asked for its value at each scrape.
    void new Gauge({
      name: 'kyu_queue_depth',
      help: 'Jobs that wait for a worker now, in the whole queue.',
      registers,
      async collect() {
        // Without Postgres the depth is unknown: no number rather than an old one, and the other metrics still come.
        const waiting = await reader
          .countWaiting(config.queueName)
          .catch(() => Number.NaN);
        this.set(waiting);
      },
    });

    const waited = new Histogram({
      name: 'kyu_job_wait_seconds',
      help: 'From when a job was due to its claim, by job type. A job is due at the time it was scheduled for, else when its enqueue() reached PostgreSQL.',
      labelNames: ['job_type'],
      buckets: WAIT_BUCKETS,
      registers,
      collect,
    });
    const ran = new Histogram({
      name: 'kyu_job_run_seconds',
      help: 'How long handlers ran, by job type.',
      labelNames: ['job_type'],
      buckets: RUN_BUCKETS,
      registers,
      collect,
    });
    const cancelled = new Counter({
      name: 'kyu_jobs_cancelled_total',
      help: 'Jobs that ended cancelled without an end of their handler, told by this process.',
      registers,
    });
    const rescued = new Counter({
      name: 'kyu_jobs_rescued_total',
      help: 'Jobs taken back from lost workers by this process.',
      registers,
    });
    const leasesLost = new Counter({
      name: 'kyu_leases_lost_total',
      help: 'Outcomes refused because the job had been taken back.',
      registers,
    });

    // Looking a label up costs more than counting: once for each type that this process runs.
    const waitedBy = cached((type) => {
      start(type);
      return waited.labels(type);
    });
    const ranBy = cached((type) => {
      start(type);
      return ran.labels(type);
    });
    const processedBy = cached((status) => processed.labels(status));
    this.unsubscribe = [
      events.on('job.enqueued', () => submitted.inc()),
      events.on('job.claimed', ({ jobType, waitedMs }) =>
        waitedBy(jobType).observe(waitedMs / 1000),
      ),
      events.on('job.settled', ({ jobType, status, durationMs }) => {
        processedBy(status).inc();
        ranBy(jobType).observe(durationMs / 1000);
        if (status === 'failed' || status === 'dead')
          failures.inc({ job_type: jobType });
        if (status === 'dead') dead.inc();
      }),
      events.on('job.rescued', ({ status }) => {
        rescued.inc();
        if (status === 'dead') dead.inc();
        if (status === 'cancelled') cancelled.inc();
      }),
      events.on('job.cancelled', () => cancelled.inc()),
      events.on('lease.lost', () => leasesLost.inc()),
    ];
  }

  /** The page that Prometheus reads. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  close(): void {
    for (const stop of this.unsubscribe) stop();
    this.registry.clear();
  }
}

function cached<T>(make: (label: string) => T): (label: string) => T {
  const made = new Map<string, T>();
  return (label) => {
    let child = made.get(label);
    if (!child) made.set(label, (child = make(label)));
    return child;
  };
}
