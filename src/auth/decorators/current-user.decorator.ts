import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AuthenticatedSession, AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { requestOf } from '../http-request.js';

/** The `AuthenticatedUser` of a request; undefined on a public route. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): AuthenticatedUser | undefined => requestOf(context).user,
);

/** The session `{ id, generation }` of a request; undefined on a public route. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): AuthenticatedSession | undefined =>
    requestOf(context).user?.session,
);
