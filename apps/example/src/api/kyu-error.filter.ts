import {
  Catch,
  HttpStatus,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { KyuError, type KyuErrorCode } from '@kyu/nestjs';
import type { Response } from 'express';

const STATUS: Partial<Record<KyuErrorCode, HttpStatus>> = {
  KYU_INVALID_JOB: HttpStatus.BAD_REQUEST,
  KYU_JOB_NOT_FOUND: HttpStatus.NOT_FOUND,
  KYU_POSTGRES_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  KYU_JOB_NOT_CANCELLABLE: HttpStatus.CONFLICT,
};

/** Errors of Kyu as HTTP answers. For all routes; jobs do not pass through it, as `globalEnhancers` is off. */
@Catch(KyuError)
export class KyuErrorFilter implements ExceptionFilter<KyuError> {
  catch(error: KyuError, host: ArgumentsHost): void {
    const statusCode = STATUS[error.code] ?? HttpStatus.INTERNAL_SERVER_ERROR;
    const { code, message } = error;
    host
      .switchToHttp()
      .getResponse<Response>()
      .status(statusCode)
      .json({ statusCode, code, message });
  }
}
