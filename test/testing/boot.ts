import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { QueueService } from '@kyu/nestjs';
import { KyuTestingModule } from '@kyu/testing';
import { EmailModule, Log } from './shop.js';

export type TestingModuleOptions = Parameters<
  typeof KyuTestingModule.forRoot
>[0];

export interface Booted {
  module: TestingModule;
  queue: QueueService;
  log: string[];
}

const booted: TestingModule[] = [];

/** The e-mail module of the shop, with Kyu in a mode of @kyu/testing. */
export async function bootEmail(
  options: TestingModuleOptions,
  metadata: ModuleMetadata = {},
): Promise<Booted> {
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [
      KyuTestingModule.forRoot(options),
      EmailModule,
      ...(metadata.imports ?? []),
    ],
  }).compile();
  booted.push(module);
  await module.init();
  return {
    module,
    queue: module.get(QueueService),
    log: module.get(Log).lines,
  };
}

afterEach(async () => {
  for (const module of booted.splice(0)) await module.close();
});
