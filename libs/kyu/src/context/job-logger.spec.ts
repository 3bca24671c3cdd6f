import { jest } from '@jest/globals';
import type { JobContext } from '../handlers/job-parameters.decorator.js';
import { asCurrentJob } from './current-job.js';
import { JobLogger } from './job-logger.js';

const JOB = { id: '0198', type: 'send_email', attempt: 2 } as JobContext;

function linesOf(work: () => void): string[] {
  const lines: string[] = [];
  const write = jest
    .spyOn(process.stdout, 'write')
    .mockImplementation((line) => lines.push(String(line)) > 0);
  try {
    work();
  } finally {
    write.mockRestore();
  }
  return lines;
}

describe('JobLogger', () => {
  it('adds the job to a line of text, after the context', () => {
    const logger = new JobLogger('Mail', { colors: false });
    const [inside, outside] = linesOf(() => {
      asCurrentJob(JOB, () => logger.log('sent'));
      logger.log('idle');
    });
    expect(inside).toContain('[Mail] [send_email 0198, try 2] sent');
    expect(outside).toContain('[Mail] idle');
  });

  it('adds it to a line without a context', () => {
    const logger = new JobLogger({ colors: false });
    const [line] = linesOf(() => asCurrentJob(JOB, () => logger.warn('slow')));
    expect(line).toContain('WARN [send_email 0198, try 2] slow');
  });

  it('adds it to JSON as an object, whatever else is in the line', () => {
    const logger = new JobLogger('Mail', { json: true });
    const [line] = linesOf(() =>
      asCurrentJob(JOB, () => logger.log({ to: 'ada' })),
    );
    expect(JSON.parse(line!)).toMatchObject({
      context: 'Mail',
      message: { to: 'ada' },
      job: { id: '0198', type: 'send_email', attempt: 2 },
    });
  });
});
