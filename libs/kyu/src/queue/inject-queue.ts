import { Inject, type InjectionToken } from '@nestjs/common';
import { refuseUndefinedName } from '../config/refuse-undefined-name.js';
import { QueueService } from './queue.service.js';

/**
 * The token of a registration's `QueueService`, for tests and providers: `{ provide: getQueueToken('billing'), useValue: fake }`.
 *
 * @param name as in `KyuModule.forRoot({ name })`; without one it is `QueueService` itself, the default registration's.
 * @publicApi
 */
export const getQueueToken = (
  name?: string,
): InjectionToken<QueueService> & (string | typeof QueueService) =>
  // Nest prints it when nobody provides it: then it says what is missing.
  name === undefined
    ? QueueService
    : `QueueService of KyuModule.forRoot({ name: '${name}' })`;

/**
 * Injects the `QueueService` of a registration: `@InjectQueue('billing') private readonly billing: QueueService`.
 *
 * @param name as in `KyuModule.forRoot({ name })`; without one the default registration's.
 * @throws {InvalidOptionsError} for a name that is undefined, as by a circular import: it would be the default registration's without a word.
 * @publicApi
 */
export const InjectQueue = (
  ...name: [name?: string]
): PropertyDecorator & ParameterDecorator => {
  refuseUndefinedName('@InjectQueue()', name);
  return Inject(getQueueToken(...name));
};
