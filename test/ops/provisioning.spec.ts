import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMPOSE,
  exists,
  mountedFrom,
  mounts,
  readText,
  readYaml,
  service,
} from './files.js';
import { DASHBOARD, PROMETHEUS, RULES } from './queries.js';

interface DataSources {
  datasources: { uid: string; type: string; url: string }[];
}
interface DashboardProviders {
  providers: { options: { path: string } }[];
}

/** The only file that a container finds in one of its directories. */
function onlyFile(name: string, directory: string): string {
  const source = mountedFrom(name, directory);
  if (!source) throw new Error(`${name} has nothing mounted at ${directory}`);
  const files = readdirSync(join(import.meta.dirname, '..', '..', source));
  expect(files).toHaveLength(1);
  return join(source, files[0]!);
}

const metricsPort = /METRICS_PORT=(\d+)/.exec(
  readText('apps/example/Dockerfile'),
)?.[1];

describe('what the containers mount', () => {
  it('is there, and read-only', () => {
    for (const [name, { volumes = [] }] of Object.entries(COMPOSE.services)) {
      for (const { source } of mounts(name)) expect(exists(source)).toBe(true);
      for (const volume of volumes.filter((text) => text.startsWith('./')))
        expect(volume).toMatch(/:ro$/);
    }
  });
});

describe('Prometheus', () => {
  it('is started with the file that is mounted', () => {
    const flag = service('prometheus').command?.find((argument) =>
      argument.startsWith('--config.file='),
    );
    const file = mountedFrom('prometheus', flag?.split('=')[1] ?? '');
    expect(file).toBe('./apps/example/ops/prometheus/prometheus.yml');
  });

  it('finds its rules', () => {
    for (const file of PROMETHEUS.rule_files) {
      const path = mountedFrom('prometheus', `/etc/prometheus/${file}`);
      expect(path && exists(path)).toBe(true);
    }
    expect(new Set(RULES.map(({ alert }) => alert)).size).toBe(RULES.length);
    for (const { labels, annotations } of RULES) {
      expect(labels.severity).toMatch(/^(critical|warning)$/);
      expect(annotations).toEqual({
        summary: expect.any(String),
        description: expect.any(String),
      });
    }
  });

  it('scrapes every container of the application, at the port it serves', () => {
    const targets = PROMETHEUS.scrape_configs.map(
      ({ job_name, dns_sd_configs }) => {
        expect(dns_sd_configs).toEqual([
          expect.objectContaining({
            names: [job_name],
            type: 'A',
            port: Number(metricsPort),
          }),
        ]);
        return job_name;
      },
    );
    const built = Object.keys(COMPOSE.services).filter(
      (name) => service(name).build,
    );
    expect(targets.sort()).toEqual(built.sort());
  });
});

describe('Grafana', () => {
  const provisioning = '/etc/grafana/provisioning';
  const { datasources } = readYaml<DataSources>(
    onlyFile('grafana', `${provisioning}/datasources`),
  );
  const { providers } = readYaml<DashboardProviders>(
    onlyFile('grafana', `${provisioning}/dashboards`),
  );

  it('has Prometheus as its data source, by the address it has in this network', () => {
    expect(datasources).toEqual([
      expect.objectContaining({
        type: 'prometheus',
        url: `http://prometheus:${service('prometheus').ports?.[0]?.split(':').at(-1)}`,
      }),
    ]);
  });

  it('finds the dashboard, and shows it first', () => {
    const directory = providers[0]!.options.path;
    expect(onlyFile('grafana', directory)).toBe(
      'apps/example/ops/grafana/dashboards/kyu.json',
    );
    const home = service('grafana').environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH; // prettier-ignore
    expect(home).toBe(`${directory}/kyu.json`);
  });
});

describe('the dashboard', () => {
  const graphs = DASHBOARD.panels.filter(({ type }) => type !== 'row');

  it('takes its data source from its variable', () => {
    expect(DASHBOARD.uid).toBe('kyu'); // links to it survive a new installation
    expect(DASHBOARD.templating.list).toEqual([
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    ]);
    for (const { datasource } of graphs)
      expect(datasource?.uid).toBe('${datasource}');
  });

  it('has a unit, a description and a legend for each panel', () => {
    const ids = DASHBOARD.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { description, fieldConfig, targets } of graphs) {
      expect(description).toMatch(/\.$/);
      expect(fieldConfig?.defaults.unit).toBeTruthy();
      expect(targets).not.toHaveLength(0);
      for (const { legendFormat } of targets ?? [])
        expect(legendFormat).toBeTruthy();
    }
  });

  it('shows what it is for', () => {
    const titles = graphs.map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([
        'Queue depth',
        'Throughput',
        'Failures by type',
        'Wait time',
        'Run time by type',
        'Event-loop lag',
        'Memory',
      ]),
    );
  });

  // Every process reports the whole queue's depth: a sum would count each job once per process.
  it('never sums the queue depth', () => {
    const exprs = [
      ...graphs.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...RULES.map(({ expr }) => expr),
    ];
    expect(
      exprs.filter((expr) => /sum\b[^)]*kyu_queue_depth/.test(expr)),
    ).toEqual([]);
    expect(exprs).toContain('max(kyu_queue_depth)');
  });
});
