import {
  JOB_STATUSES,
  JOB_TRANSITIONS,
  type JobStatus,
} from './job-transitions.js';

/** Every state that can be reached from these, itself included. */
function reachable(from: JobStatus): Set<JobStatus> {
  const found = new Set([from]);
  for (const status of found)
    for (const next of JOB_TRANSITIONS[status]) found.add(next);
  return found;
}

const TERMINAL: JobStatus[] = ['completed', 'dead', 'cancelled'];

describe('the transitions of a job', () => {
  it('has a row for every state, and leads to states only', () => {
    expect(Object.keys(JOB_TRANSITIONS).toSorted()).toEqual(
      JOB_STATUSES.toSorted(),
    );
    for (const next of Object.values(JOB_TRANSITIONS).flat())
      expect(JOB_STATUSES).toContain(next);
  });

  it('ends in completed, dead and cancelled, and nowhere else', () => {
    expect(
      JOB_STATUSES.filter((status) => JOB_TRANSITIONS[status].length === 0),
    ).toEqual(TERMINAL);
  });

  it.each(JOB_STATUSES.filter((status) => !TERMINAL.includes(status)))(
    'from %s every end can be reached: no job is stuck',
    (status) => {
      expect([...reachable(status)]).toEqual(expect.arrayContaining(TERMINAL));
    },
  );

  it('reaches every state from the two in which a job is stored', () => {
    expect(
      new Set([...reachable('scheduled'), ...reachable('pending')]).size,
    ).toBe(JOB_STATUSES.length);
  });

  it('leads to running from pending only: whatever waits is promoted first', () => {
    expect(
      JOB_STATUSES.filter((status) =>
        JOB_TRANSITIONS[status].includes('running'),
      ),
    ).toEqual(['pending']);
  });

  it('never stays in a state', () => {
    for (const status of JOB_STATUSES)
      expect(JOB_TRANSITIONS[status]).not.toContain(status);
  });

  it('allows to cancel whatever has not ended', () => {
    for (const status of JOB_STATUSES)
      expect(JOB_TRANSITIONS[status].includes('cancelled')).toBe(
        !TERMINAL.includes(status),
      );
  });
});
