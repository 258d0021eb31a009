import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { AuthenticatedSession, AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { requestOf } from '../http-request.js';

/** Explicit, because the type that Nest 12 infers does not exist in Nest 11. */
type UserDecorator = (
  ...propertyOrPipes: (keyof AuthenticatedUser | PipeTransform | Type<PipeTransform> | undefined)[]
) => ParameterDecorator;

/**
 * The `AuthenticatedUser` of a request, or one of its properties: `@CurrentUser('id') id: string`. Undefined on a public
 * route.
 */
export const CurrentUser: UserDecorator = createParamDecorator(
  (property: keyof AuthenticatedUser | undefined, context: ExecutionContext) => {
    const { user } = requestOf(context);
    return property === undefined ? user : user?.[property];
  },
);

/** The session `{ id, generation, authTime, amr }` of a request; undefined on a public route. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): AuthenticatedSession | undefined =>
    requestOf(context).user?.session,
);
