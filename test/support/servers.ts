/** Set by the global setup, which has started the servers or found them in the environment. */
function fromSetup(name: string): string {
  const url = process.env[name];
  if (!url)
    throw new Error(`${name} is not set: run the tests by \`npm test\`.`);
  return url;
}

export const POSTGRES_URL = fromSetup('KYU_TEST_POSTGRES_URL');
export const REDIS_URL = fromSetup('KYU_TEST_REDIS_URL');
