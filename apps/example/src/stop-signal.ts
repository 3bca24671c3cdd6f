/** Resolves at the first Ctrl-C (SIGINT), SIGTERM or hang-up of the terminal, from the moment of the call on. Later ones do not end the process. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, resolve);
  });
}
