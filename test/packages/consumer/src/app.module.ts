import { Module, type DynamicModule } from '@nestjs/common';
import { KyuModule, type KyuOptions } from '@kyu/nestjs';
import { GreetingController } from './greeting.controller.js';
import { GreetingHandler } from './greeting.handler.js';

@Module({ controllers: [GreetingController], providers: [GreetingHandler] })
export class AppModule {
  static with(options: KyuOptions): DynamicModule {
    return { module: AppModule, imports: [KyuModule.forRoot(options)] };
  }
}
