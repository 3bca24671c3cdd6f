/** After all tests; global-setup.mjs left the servers here. */
export default async function globalTeardown() {
  await globalThis.kyuTestServers?.stop();
}
