import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import {
  decorationsOf,
  entriesOf,
  type Decoration,
} from './decorated-methods.js';
import { providedClasses, prototypesOf } from './provided-classes.js';

/** Is responsible for telling of `@JobHandler()` and `@OnJobEvent()` decorators that have no effect. */
@Injectable()
export class DecoratorCheck {
  private readonly known = new Set<Decoration>();

  constructor(
    private readonly discovery: DiscoveryService,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  /** Of each decorator once. @throws {InvalidOptionsError} that names those that can have no effect where they stand. */
  refuseMisplaced(): void {
    const problems: string[] = [];
    for (const { prototype } of providedClasses(this.discovery))
      for (const each of prototypesOf(prototype)) {
        const host = each.constructor as unknown as { name: string };
        for (const note of decorationsOf(each))
          if (isMisplaced(note) && this.isNew(note))
            problems.push(`${placeOf(note, host.name)} ${whyMisplaced(note)}`);
        // What a factory returned may have no constructor.
        for (const note of typeof host === 'function'
          ? decorationsOf(host)
          : [])
          if (this.isNew(note))
            problems.push(
              `${placeOf(note, host.name)} ${whyMisplaced(note, true)}`,
            );
      }
    if (problems.length > 0) throw new InvalidOptionsError(problems);
  }

  /** Warns of decorators that no provider has any more, because the method is another one now. Of each once. */
  warnOfLost(): void {
    const effective = new Set<Decoration>();
    const lost = new Map<Decoration, string>();
    for (const { wrapper, prototype } of providedClasses(this.discovery)) {
      const chain = [...prototypesOf(prototype)];
      for (const each of chain)
        for (const note of decorationsOf(each)) {
          if (isMisplaced(note)) continue;
          const owner =
            chain.find((level) => Object.hasOwn(level, note.key!)) ?? each;
          const method: unknown = Object.getOwnPropertyDescriptor(
            owner,
            note.key!,
          )?.value;
          const isDecorated =
            typeof method === 'function' &&
            entriesOf(note.metadataKey, method).length > 0;
          if (isDecorated) effective.add(note);
          else
            lost.set(
              note,
              owner === each
                ? replaced(note, nameOf(each))
                : overridden(note, nameOf(each), nameOf(owner), wrapper),
            );
        }
    }
    for (const [note, warning] of lost)
      if (!effective.has(note) && this.isNew(note)) this.logger.warn(warning);
  }

  private isNew(note: Decoration): boolean {
    const isNew = !this.known.has(note);
    this.known.add(note);
    return isNew;
  }
}

const isMisplaced = ({ key, isMethod }: Decoration): boolean =>
  typeof key !== 'string' || !isMethod;

const nameOf = (prototype: object): string => prototype.constructor.name;

const placeOf = ({ label, key }: Decoration, host: string): string =>
  key === undefined
    ? `${label} of the class ${host}`
    : `${label} of ${host}${typeof key === 'symbol' ? `[${String(key)}]` : `.${key}`}`;

function whyMisplaced({ key, isMethod }: Decoration, isStatic = false): string {
  if (key === undefined)
    return 'has no effect: it is a decorator for methods; put it on the method that runs the job';
  if (isStatic)
    return 'has no effect: the method is static, and Kyu calls methods of instances; remove "static"';
  if (!isMethod)
    return 'has no effect: it stands on a property or an accessor; make it a method';
  return `has no effect: Nest does not look at methods that are named by a symbol; name ${String(key)} by a string`;
}

const replaced = (note: Decoration, host: string): string =>
  `${placeOf(note, host)} has no effect: another decorator, or a spy, has replaced the method and has not kept its metadata. ` +
  `Put ${note.label} above that decorator.`;

function overridden(
  note: Decoration,
  base: string,
  host: string,
  wrapper: InstanceWrapper,
): string {
  const method = `${host}.${String(note.key)}`;
  return (
    `${method} (${wrapper.host?.name ?? 'no module'}) overrides ${base}.${String(note.key)} without its ${note.label}, so Kyu does not call it. ` +
    `Repeat the decorator on ${method}, or remove it from ${base}.`
  );
}
