import { Global, Injectable, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Registrations } from './config/registrations.js';
import { KyuLifecycle } from './kyu.lifecycle.js';

/**
 * Is responsible for closing the connections of all registrations after every shutdown hook of the application, which may enqueue
 * in each of them. Nest calls these hooks module by module, from the root to the farthest. The module of {@link KyuLifecycle}
 * counts as the nearest, so that it stops first; this one counts as the farthest, so that it closes last.
 */
@Injectable()
export class KyuCloser implements OnApplicationShutdown {
  constructor(private readonly modules: ModulesContainer) {
    for (const module of modules.values())
      if (module.metatype === KyuClosing)
        module.distance = Number.POSITIVE_INFINITY;
  }

  async onApplicationShutdown(): Promise<void> {
    const [registrations] = [...this.modules.values()].flatMap(
      ({ providers }) =>
        (providers.get(Registrations)?.instance as Registrations | null) ?? [],
    );
    const ends = await Promise.allSettled(
      (registrations?.all(KyuLifecycle) ?? []).map((each) => each.close()),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

/** Once in each application, whatever number of registrations it has. */
@Global()
@Module({ providers: [KyuCloser] })
export class KyuClosing {}
