import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Handler } from './handler.js';

/** What to do about two handlers of one job type, as sentences. */
export function duplicateAdvice(one: Handler, other: Handler): string {
  const [first, second] = [one.provider, other.provider];
  if (one.method !== other.method || !first || !second)
    return 'Give one of them another type, or remove it.';
  if (first === second)
    return 'The decorator stands on the method twice: remove one of them.';
  const name = one.hostClass.name;
  const [firstModule, secondModule] = [moduleOf(first), moduleOf(second)];
  if (first.host === second.host)
    return `${firstModule} provides ${name} twice, under two tokens: let the second one be { useExisting }.`;
  if (first.host?.metatype === second.host?.metatype)
    return (
      `${firstModule} is in this application twice, each time with a ${name} of its own, because its forRoot() or register() is called twice. ` +
      'Call it once, keep what it returns in a constant, and import that constant wherever the module is needed.'
    );
  return `${firstModule} and ${secondModule} both provide ${name}: provide it in one of them, export it there, and import that module into the other.`;
}

const moduleOf = ({ host }: InstanceWrapper): string =>
  host?.name ?? 'no module';
