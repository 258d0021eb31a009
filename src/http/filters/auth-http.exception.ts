import { HttpException } from '@nestjs/common';
import type { AuthError } from '../../core/errors.js';
import { errorAnswer } from './error-answer.js';

/** An `AuthError` as guards throw it on HTTP, with a status and a body for filters of the host. The error is its `cause`. */
export class AuthHttpException extends HttpException {
  declare readonly cause: AuthError;

  constructor(cause: AuthError) {
    super(errorAnswer(cause), cause.status, { cause });
  }
}
