import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { KyuExecutionContext } from '@kyu/nestjs';
import { map, type Observable } from 'rxjs';
import type { Report } from './reports.jobs.js';

/** Where a report can be read; this is what stays as the result of its job. */
export interface PublishedReport {
  url: string;
  bytes: number;
}

/** Puts the report away and answers with its address: a job's result is a note for people, not a place for files. */
@Injectable()
export class PublishInterceptor implements NestInterceptor<
  Report,
  PublishedReport
> {
  intercept(
    context: ExecutionContext,
    next: CallHandler<Report>,
  ): Observable<PublishedReport> {
    const { id } = KyuExecutionContext.of(context).job;
    return next.handle().pipe(
      map(({ text }) => ({
        url: `https://shop.example/reports/${id}`,
        bytes: Buffer.byteLength(text),
      })),
    );
  }
}
