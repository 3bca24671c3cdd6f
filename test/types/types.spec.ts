import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = process.cwd();
const folder = join(root, 'test/types');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test-d.ts'))
  .map((name) => join(folder, name));

/** What the compiler says of these sources, which take the place of the files of the same names. */
function problemsOf(sources: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) =>
    readFileSync(path, 'utf8'),
  );
  const { options } = ts.convertCompilerOptionsFromJson(
    config.compilerOptions,
    root,
  );
  const settings = { ...options, noEmit: true, incremental: false };
  delete settings.tsBuildInfoFile;
  const host = ts.createCompilerHost(settings);
  const read = host.readFile.bind(host);
  host.readFile = (path) => sources.get(path) ?? read(path);
  const program = ts.createProgram([...sources.keys()], settings, host);
  return [...sources.keys()].flatMap((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) =>
        ts.flattenDiagnosticMessageText(messageText, ' '),
      ),
  );
}

describe('the types of jobs', () => {
  const sources = new Map(
    files.map((path) => [path, readFileSync(path, 'utf8')]),
  );

  it('accept and refuse what the files say', () => {
    expect(files).toHaveLength(5);
    expect(problemsOf(sources)).toEqual([]);
  }, 120_000);

  it('refuse with a sentence that names the way out', () => {
    const shown = new Map(
      [...sources].map(([path, text]) => [
        path,
        text.replaceAll('@ts-expect-error', ''),
      ]),
    );
    const problems = problemsOf(shown).join('\n');
    for (const part of [
      "'wrong' does not exist in type 'SendEmail'",
      'this handler does not take the payload of its job; if a pipe or a decorator fills the parameter: @JobHandler<unknown>(definition)',
      'this handler does not return the result of its job',
    ])
      expect(problems).toContain(part);
  }, 120_000);
});
