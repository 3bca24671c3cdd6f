import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

/** What of a request goes along with whatever is done because of it, jobs and their jobs included. */
export interface RequestContext {
  requestId: string;
}

/** For `KyuModule.forRoot({ context })`: taken along at each enqueue, and there again around the handler. */
export const requests = new AsyncLocalStorage<RequestContext | undefined>();

/** Begins the context of a request: with the id that it brings, or a new one. */
export function openRequest(
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const requestId = request.get('x-request-id')?.slice(0, 100) || randomUUID();
  response.set('x-request-id', requestId);
  requests.run({ requestId }, next);
}
