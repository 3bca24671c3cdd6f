import {
  Inject,
  Injectable,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { KyuConfig } from '../config/kyu.config.js';

/** Is responsible for the interceptors that the options name: instances as they are, and one of each class. */
@Injectable()
export class InterceptorFactory {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  makeAll(): Promise<NestInterceptor[]> {
    return Promise.all(
      this.config.interceptors.map(async (interceptor) =>
        typeof interceptor === 'function'
          ? this.instanceOf(interceptor)
          : interceptor,
      ),
    );
  }

  /** The application's own instance where it provides the class; else one of ours, made as if the module that imports KyuModule provided it. */
  private instanceOf(
    type: Type<NestInterceptor>,
  ): NestInterceptor | Promise<NestInterceptor> {
    try {
      return this.moduleRef.get(type, { strict: false });
    } catch {
      return this.make(type);
    }
  }

  /**
   * Its dependencies are with the importer, or among the imports of forRootAsync(). Nest does not tell who imports a global module: it adds it to the imports
   * of all. So the first module, from the root on, that has them.
   */
  private async make(type: Type<NestInterceptor>): Promise<NestInterceptor> {
    for (const { providers } of this.modules.values()) {
      const ref = providers.get(ModuleRef)?.instance as ModuleRef;
      try {
        return await ref.create(type);
      } catch (error) {
        if (!isUnknownDependency(error)) throw error;
      }
    }
    return this.moduleRef.create(type); // whose error speaks of KyuModule
  }
}

/** By name: Nest does not export the class. */
const isUnknownDependency = (error: unknown): boolean =>
  (error as Error).constructor.name === 'UnknownDependenciesException';
