import { JobTracer } from '../context/job-tracer.js';
import type { KyuConfig } from '../config/kyu.config.js';
import { OpenTelemetryTracer } from './open-telemetry.tracer.js';

/**
 * The tracer of this process: OpenTelemetry's, where its API is installed. Asked for once, at boot, and by `import()` inside `try`: a bundler then takes a package
 * that is not there for optional, too.
 */
export async function findTracer({
  tracing,
}: Pick<KyuConfig, 'tracing'>): Promise<JobTracer> {
  if (tracing === false) return new JobTracer();
  try {
    return new OpenTelemetryTracer(await import('@opentelemetry/api'), tracing);
  } catch {
    return new JobTracer();
  }
}
