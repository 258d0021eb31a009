import { HttpException } from '@nestjs/common';
import type { AuthError } from '../../core/errors.js';
import { errorAnswer } from './error-answer.js';

/**
 * An `AuthError` as guards throw it on HTTP, so that whatever filter a host has finds a status and a body in it. The error
 * itself, with its `code`, is the `cause`.
 */
export class AuthHttpException extends HttpException {
  declare readonly cause: AuthError;

  constructor(cause: AuthError) {
    super(errorAnswer(cause), cause.status, { cause });
  }
}
