import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import {
  BACKOFF_SCHEMA,
  OPTIONS_SCHEMA,
  POSTGRES_SCHEMA,
  RETENTION_SCHEMA,
} from '../libs/kyu/src/config/options.schema.js';
import { JOB_TRANSITIONS } from '../libs/kyu/src/job/job-transitions.js';
import { METRIC_NAMES } from '../libs/kyu/src/metrics/metrics.providers.js';

const root = process.cwd();
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const blocks = (language: string, text = readme): string[] =>
  [
    ...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')),
  ].map(([, code]) => code!);

const GUIDES = 'libs/kyu/docs';
const guides = readdirSync(join(root, GUIDES))
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(join(root, GUIDES, name), 'utf8'));

/** First cells of the table under the heading that begins with `header`. */
function firstColumn(header: string): string[] {
  const start = readme.indexOf(`\n${header}`);
  if (start === -1) throw new Error(`No table ${header}`);
  const rows = readme.slice(start + 1).split('\n');
  const end = rows.findIndex((row) => !row.startsWith('|'));
  return rows.slice(2, end).map((row) => row.split('|')[1]!.trim());
}

const names = (cells: string[]): string[] =>
  cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );

describe('README', () => {
  it('has the transitions of the code in its state chart', () => {
    const [chart] = blocks('mermaid');
    const drawn = [...chart!.matchAll(/^\s*(\w+) --> (\w+)/gm)]
      .map(([, from, to]) => `${from} --> ${to}`)
      .sort();
    const coded = Object.entries(JOB_TRANSITIONS)
      .flatMap(([from, tos]) => tos.map((to) => `${from} --> ${to}`))
      .sort();
    expect(drawn).toEqual(coded);
  });

  it('lists every option, and no other', () => {
    const { postgres: _, backoff: __, retention: ___, ...top } = OPTIONS_SCHEMA;
    const coded = [
      // Not of the options but of the module: they must be known before the options are.
      'name',
      'metricsPath',
      ...Object.keys(top),
      ...Object.keys(POSTGRES_SCHEMA).map((key) => `postgres.${key}`),
      ...Object.keys(BACKOFF_SCHEMA).map((key) => `backoff.${key}`),
      ...Object.keys(RETENTION_SCHEMA).map((key) => `retention.${key}`),
    ];
    expect(names(firstColumn('| option |')).sort()).toEqual(coded.sort());
  });

  it('lists the five metrics', () => {
    expect(names(firstColumn('| metric |')).sort()).toEqual(
      [...METRIC_NAMES].sort(),
    );
  });

  it('documents the twelve columns', () => {
    expect(names(firstColumn('| column |'))).toEqual([
      'id',
      'job_type',
      'payload',
      'status',
      'priority',
      'scheduled_at',
      'max_retries',
      'retry_count',
      'error_message',
      'locked_by',
      'locked_at',
      'completed_at',
    ]);
  });

  it('has code that compiles, and so have the guides', () => {
    const snippets = [readme, ...guides].flatMap((text) => blocks('ts', text));
    expect(snippets.length).toBeGreaterThan(5);
    // Inside the workspace, so that packages resolve; outside of every tsconfig's include.
    const folder = mkdtempSync(join(root, 'node_modules/.readme-'));
    try {
      const files = snippets.map((code, index) => {
        const file = join(folder, `snippet-${index}.mts`);
        writeFileSync(file, code);
        return file;
      });
      const { config } = ts.readConfigFile(
        join(root, 'tsconfig.json'),
        (path) => readFileSync(path, 'utf8'),
      );
      const { options } = ts.convertCompilerOptionsFromJson(
        config.compilerOptions,
        root,
      );
      const program = ts.createProgram(files, {
        ...options,
        noEmit: true,
        incremental: false,
        tsBuildInfoFile: undefined,
        noUnusedLocals: false,
      });
      const problems = files.flatMap((file) =>
        ts
          .getPreEmitDiagnostics(program, program.getSourceFile(file))
          .map(({ messageText }) =>
            ts.flattenDiagnosticMessageText(messageText, ' '),
          ),
      );
      expect(problems).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
