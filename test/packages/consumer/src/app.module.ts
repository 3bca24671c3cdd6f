import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { KyuHealthIndicator } from '@kyu/nestjs/terminus';
import { KyuModule, type KyuOptions } from '@kyu/nestjs';
import { GreetingController } from './greeting.controller.js';
import { GreetingHandler } from './greeting.handler.js';
import { HealthController } from './health.controller.js';

@Module({
  imports: [TerminusModule],
  controllers: [GreetingController, HealthController],
  providers: [GreetingHandler, KyuHealthIndicator],
})
export class AppModule {
  static with(options: KyuOptions): DynamicModule {
    return { module: AppModule, imports: [KyuModule.forRoot(options)] };
  }
}
