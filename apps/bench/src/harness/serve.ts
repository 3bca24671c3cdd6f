import type { Reply, Request, Tasks } from './tasks.js';

/** The child's side: says that it is ready, then answers what its parent asks for, until the parent goes away. */
export function serve(tasks: Tasks): void {
  const byName = new Map(Object.entries(tasks));
  const say = (reply: Reply): void => void process.send?.(reply);
  process.on('message', (request: Request) => {
    const { id, task, argument } = request;
    const run = byName.get(task) as
      ((argument: unknown) => unknown) | undefined;
    Promise.resolve()
      .then(() => {
        if (run) return run(argument);
        throw new Error(`This program has no task "${task}".`);
      })
      .then(
        (result) => say({ id, result }),
        (error: unknown) =>
          say({ id, error: (error as Error).stack ?? String(error) }),
      );
  });
  // A parent that was killed leaves no child behind.
  process.on('disconnect', () => process.exit(1));
  say({ ready: true });
}
