import { HttpException } from '@nestjs/common';
import { AuthError } from '../core/errors.js';

/** An error that was meant to be answered, as it is; anything else is a bug, of which a client learns no more than that. */
export function answerable(error: unknown): AuthError | HttpException {
  if (error instanceof AuthError || error instanceof HttpException) return error;
  return new AuthError('INTERNAL', { cause: error });
}
