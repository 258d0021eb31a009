import { HttpException } from '@nestjs/common';
import type { AuthError } from '../../core/errors.js';
import { errorAnswer } from './error-answer.js';

/** An `AuthError` as guards throw it on HTTP: any filter of a host finds a status and a body in it. The error is its `cause`. */
export class AuthHttpException extends HttpException {
  declare readonly cause: AuthError;

  constructor(cause: AuthError) {
    super(errorAnswer(cause), cause.status, { cause });
  }
}
