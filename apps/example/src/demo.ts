import 'reflect-metadata';
import { runDemo } from './demo/run-demo.js';
import { stopSignal } from './stop-signal.js';

// `npm run demo`: the shop on a busy day, then a summary that is checked against Postgres. Exit code 0 only if all is right.

const [flag, ...more] = process.argv.slice(2);
if ((flag !== undefined && flag !== '--keep') || more.length > 0) {
  console.error(
    `Usage: npm run demo [-- --keep]

  --keep   leave servers, table and API up after the summary, until Ctrl-C`,
  );
  process.exitCode = 2;
} else {
  // Whoever reads the output may stop reading (`| head`); the demo still has to clean up.
  process.stdout.on('error', () => undefined);
  try {
    const stopped = stopSignal();
    process.exitCode = await runDemo({ keep: flag === '--keep', stopped });
  } catch (error) {
    console.error(`The demo failed: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
