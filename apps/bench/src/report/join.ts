import type { Report } from './results.js';

/**
 * One report of several: a full run takes more than an hour, and its scenarios may be run one after the other.
 *
 * @throws when they are not of the same machine, servers, versions and number of rounds: a ratio holds within one environment only.
 */
export function join(reports: readonly Report[]): Report {
  const [first] = reports;
  if (!first) throw new Error('Expected at least one report.');
  const seen = new Set<string>();
  for (const { environment, results } of reports) {
    if (fingerprint({ environment }) !== fingerprint(first))
      throw new Error(
        `The run of ${environment.date} was made in another environment than that of ${first.environment.date}; only runs of the same machine, servers, versions and rounds can be shown as one.`,
      );
    for (const scenario of new Set(results.map((each) => each.scenario))) {
      if (seen.has(scenario))
        throw new Error(`Two of the runs measured "${scenario}"; choose one.`);
      seen.add(scenario);
    }
  }
  const commands = reports.map(({ environment }) => environment.command);
  return {
    environment: { ...first.environment, command: commands.join('; ') },
    results: reports.flatMap(({ results }) => results),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

const fingerprint = ({ environment }: Pick<Report, 'environment'>): string =>
  JSON.stringify({ ...environment, date: '', command: '' });
