import { matching } from './options.checks.js';

/** What is known of a registration before its options are: it decides what the module provides, exports and routes. */
export interface Registration {
  /** Undefined: the default registration. */
  readonly name: string | undefined;
  readonly metricsPath: string | false;
}

export function newRegistration(
  name: string | undefined,
  metricsPath?: string | false,
): Registration {
  return { name, metricsPath: metricsPath ?? metricsPathOf(name) };
}

/** Where the metrics of a registration are, in the host's HTTP application and on `metricsPort` alike. */
export const metricsPathOf = (name: string | undefined): string =>
  name === undefined ? 'metrics' : `metrics/${name}`;

/** The registration without a name. */
export const DEFAULT_REGISTRATION = newRegistration(undefined);

/** The queue's key in Redis, if nobody says another. */
export const queueNameOf = (name: string | undefined): string =>
  `kyu:${name ?? 'default'}`;

/** The variable that says what a process does for this registration, in front of `KYU_MODE`. */
export const modeVariableOf = (name: string): string =>
  `KYU_MODE_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;

const checkPattern = matching(
  /^[A-Za-z][A-Za-z0-9_-]{0,59}$/,
  "a name such as 'billing': a letter, then letters, digits, _ or -, at most 60 in all",
);

/** What is wrong with the name of a registration, as the end of a sentence. */
export function checkName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (name === 'default')
    return "a name other than 'default', which is the registration without a name: leave the name out";
  return checkPattern(name);
}
