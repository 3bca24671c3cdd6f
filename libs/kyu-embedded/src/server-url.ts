export interface UrlForm {
  variable: string;
  protocols: string[];
  example: string;
}

export const POSTGRES_URL: UrlForm = {
  variable: 'KYU_POSTGRES_URL',
  protocols: ['postgres:', 'postgresql:'],
  example: 'postgres://user:password@localhost:5432/database',
};

export const REDIS_URL: UrlForm = {
  variable: 'KYU_REDIS_URL',
  protocols: ['redis:', 'rediss:'],
  example: 'redis://localhost:6379/0',
};

/** The URL that the environment gives, checked; an empty value counts as none. */
export function urlFromEnv(
  { variable, protocols, example }: UrlForm,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const value = env[variable];
  if (!value) return undefined;
  // The value is not repeated in the error: it may hold a password.
  const wrong = !URL.canParse(value)
    ? 'it is not a URL'
    : !protocols.includes(new URL(value).protocol)
      ? `its scheme is "${new URL(value).protocol}"`
      : undefined;
  if (wrong === undefined) return value;
  throw new Error(
    `expected "${variable}" to be like ${example}, but ${wrong}. Correct it, or unset it to get an embedded server.`,
  );
}

/** Where a URL leads, without the user and the password: fit for logs. */
export function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host || 'localhost'}${pathname === '/' ? '' : pathname}`;
}
