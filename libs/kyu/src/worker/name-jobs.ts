/** Jobs that one line in the log names. */
const MAX_NAMED = 5;

/** `send_email 0198…, make_film 0199…`, and how many more. */
export function nameJobs(
  jobs: readonly { id: string; jobType: string }[],
): string {
  const named = jobs
    .slice(0, MAX_NAMED)
    .map(({ id, jobType }) => `${jobType} ${id}`)
    .join(', ');
  const more = jobs.length - MAX_NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}
