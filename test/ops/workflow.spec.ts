import { readText, readYaml } from './files.js';

interface Workflow {
  permissions: Record<string, string>;
  concurrency: { 'cancel-in-progress': boolean };
  jobs: Record<
    string,
    {
      'timeout-minutes': number;
      strategy: { matrix: { node: number[] } };
      steps: { uses?: string; run?: string }[];
    }
  >;
}

describe('the workflow', () => {
  const workflow = readYaml<Workflow>('.github/workflows/ci.yml');
  const job = workflow.jobs.test!;

  it('calls .ci/run on each Node.js that Kyu supports', () => {
    expect(job.strategy.matrix.node).toEqual([20, 22, 24]);
    expect(job.steps.map(({ run }) => run).filter(Boolean)).toEqual([
      'bash .ci/run',
    ]);
  });

  it('may only read, ends, and gives way to a newer one', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
    expect(workflow.concurrency['cancel-in-progress']).toBe(true);
  });

  it('uses actions by their major version', () => {
    const uses = job.steps.flatMap(({ uses }) => uses ?? []);
    expect(uses).not.toHaveLength(0);
    for (const action of uses) expect(action).toMatch(/@v\d+$/);
  });

  it('has no password written down', () => {
    const text = readText('.github/workflows/ci.yml');
    expect(text).toMatch(/POSTGRES_PASSWORD: ci-\$\{\{ github\.run_id \}\}/);
    for (const [, password] of text.matchAll(/:\/\/\w+:(\S.*)@/g))
      expect(password).toBe('ci-${{ github.run_id }}');
  });
});
