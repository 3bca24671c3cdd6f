import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import type { KyuConfig } from './kyu.config.js';

/** Registrations that are right each by itself and wrong together in one application. @throws {InvalidOptionsError} */
export function refuseClashes(configs: readonly KyuConfig[]): void {
  const problems = configs.flatMap((one, index) =>
    configs.slice(index + 1).flatMap((other) => clashes(one, other)),
  );
  if (problems.length > 0)
    throw new InvalidOptionsError([...new Set(problems)]);
}

function clashes(one: KyuConfig, other: KyuConfig): string[] {
  if (one.name === other.name)
    return [
      one.name === undefined
        ? "KyuModule is registered twice without a name; call forRoot() once, in the root module: QueueService can be injected everywhere. For a second queue say forRoot({ name: 'billing' })"
        : `KyuModule is registered twice with the name '${one.name}'; give one of them another name, or remove it: @InjectQueue('${one.name}') works everywhere`,
    ];
  const both = `${inWords(one)} and ${inWords(other)}`;
  const problems: string[] = [];
  if (one.queueName === other.queueName && sharesServer(one, other))
    problems.push(
      `${both} have the same queueName "${one.queueName}" on one server, so each would take the other's jobs; leave it out, or give them different ones`,
    );
  if (one.metricsPath !== false && one.metricsPath === other.metricsPath)
    problems.push(
      `${both} have the same metricsPath "${one.metricsPath}", so one would hide the other's metrics; leave it out, or give them different ones`,
    );
  return problems;
}

const sharesServer = (one: KyuConfig, other: KyuConfig): boolean =>
  (one.postgres.url === other.postgres.url &&
    one.postgres.dataSource === other.postgres.dataSource) ||
  (one.redis !== false && isDeepStrictEqual(one.redis, other.redis));

const inWords = ({ name }: KyuConfig): string =>
  name === undefined ? 'the default registration' : `'${name}'`;
