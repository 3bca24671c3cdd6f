// The entry `@kyu/nestjs/terminus`: apart from the index, so that only who uses @nestjs/terminus needs it.
export {
  InjectKyuHealthIndicator,
  kyuHealthIndicator,
  KyuHealthIndicator,
} from './health/kyu-health.indicator.js';
