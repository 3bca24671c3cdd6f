import { readFileSync } from 'node:fs';
import path from 'node:path';
import { picture } from '../report/picture.js';
import type { Report } from '../report/results.js';
import { measure } from '../scenarios/scenarios.js';
import { PICTURE, RESULTS, withSection } from './section.js';

const read = (file: string): string =>
  readFileSync(path.join(process.cwd(), file), 'utf8');

const report = JSON.parse(read(RESULTS)) as Report;

describe("the README's performance section", () => {
  it('is what the script makes of the committed numbers', () => {
    const readme = read('README.md');
    expect(withSection(readme, report)).toBe(readme);
  });

  it('shows the picture that the script makes of them', () => {
    expect(read(PICTURE)).toBe(picture(report));
  });

  it('leaves out what the run has not measured', () => {
    const empty = withSection(read('README.md'), { ...report, results: [] });
    expect(empty).not.toContain(measure('process').title);
    expect(picture({ ...report, results: [] })).not.toContain('<rect');
  });

  it('refuses a README without a place for it', () => {
    expect(() => withSection('# Kyu', report)).toThrow(/Put these two lines/);
  });

  it('changes nothing outside of its markers', () => {
    const [before, after] = ['# Kyu\n', '\n## More\n'];
    const markers = read('README.md').match(/<!-- bench:\w+.*? -->/g)!;
    const made = withSection(`${before}${markers.join('\n')}${after}`, report);
    expect(made.startsWith(before)).toBe(true);
    expect(made.endsWith(after)).toBe(true);
  });
});
