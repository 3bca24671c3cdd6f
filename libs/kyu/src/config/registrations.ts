import { Inject, Injectable } from '@nestjs/common';
import type { Abstract, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Module } from '@nestjs/core/injector/module.js';
import { didYouMean } from './did-you-mean.js';
import { KyuConfig } from './kyu.config.js';

/** Is responsible for knowing the registrations of `KyuModule` in this application, this one among them. */
@Injectable()
export class Registrations {
  constructor(
    private readonly modules: ModulesContainer,
    @Inject(KyuConfig) private readonly own: KyuConfig,
  ) {}

  /** What each registration has under a token of its own module, the default one's first. Nest has made all of them when the first hook runs. */
  all<T>(token: Type<T> | Abstract<T>): T[] {
    return [...this.modules.values()]
      .filter(({ providers }) => providers.has(Registrations))
      .toSorted((a, b) => Number(isNamed(a)) - Number(isNamed(b)))
      .flatMap(
        ({ providers }) => (providers.get(token)?.instance as T | null) ?? [],
      );
  }

  /** Whether this one speaks where one is enough. */
  get isFirst(): boolean {
    return this.all(KyuConfig)[0] === this.own;
  }

  /** Why jobs of this queue would be run by nobody, as the end of a sentence, or undefined. */
  whyUnknown(queue: string | undefined): string | undefined {
    const names = this.all(KyuConfig).map(({ name }) => name);
    if (names.includes(queue)) return undefined;
    const named = names.filter((name) => name !== undefined);
    const registered = names
      .map((name) => (name === undefined ? 'the default one' : `'${name}'`))
      .join(', ');
    if (queue === undefined)
      return `has no queue, and KyuModule is registered with names only (${registered}): say @JobQueue('${named[0]}') on its class, or register KyuModule without a name as well`;
    const meant = didYouMean(queue, named);
    return `is for the queue '${queue}', which is not registered${meant ? `; did you mean '${meant}'?` : ''} (registered: ${registered}): import KyuModule.forRoot({ name: '${queue}' }), or correct the name`;
  }
}

const isNamed = ({ providers }: Module): boolean =>
  (providers.get(KyuConfig)?.instance as KyuConfig | null)?.name !== undefined;
