import type { CaseResult } from '../harness/case.js';

export interface FaultsReport {
  seed: number;
  startedAt: string;
  durationMs: number;
  patienceMs: number;
  machine: string;
  versions: Record<string, string>;
  cases: CaseResult[];
}

/** What makes a case worthless, or a promise of Kyu broken. What a peer loses is a result and not a problem. */
export function problemsOf(result: CaseResult): string[] {
  const { contestant, fault, gaps, hits, lost, late, doubled, overlapping } =
    result;
  const problems = gaps.map((gap) => `the ledger has a gap: ${gap}`);
  for (const { kind, running, waiting } of hits)
    if ((kind === 'FLUSHALL' ? waiting : running) === 0)
      problems.push(`a ${kind} found nothing to hit`);
  const broken = Object.entries({ lost, late, doubled, overlapping }).filter(
    ([name, times]) =>
      times > 0 &&
      (fault === 'none' || (contestant === 'kyu' && name !== 'doubled')),
  );
  for (const [name, times] of broken) problems.push(`${times} ${name}`);
  return problems.map((problem) => `${contestant}, ${fault}: ${problem}`);
}
