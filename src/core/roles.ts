import { AuthError } from './errors.js';

/** The role that the routes of administrators require. */
export const ADMINISTRATOR_ROLE = 'admin';

/** Every access token contains the roles, so they must leave room for the other claims. */
export const MAX_ROLES = 50;
export const MAX_ROLE_LENGTH = 64;

/** @throws AuthError `VALIDATION_FAILED` if they are not valid roles */
export function assertRoles(roles: readonly string[]): void {
  const refuse = (message: string): never => {
    throw new AuthError('VALIDATION_FAILED', { fields: [{ field: 'roles', message }] });
  };
  if (!Array.isArray(roles) || roles.length > MAX_ROLES)
    refuse(`roles must be a list of at most ${MAX_ROLES}`);
  if (
    !roles.every(
      (role) =>
        typeof role === 'string' && /^[!-~\p{L}\p{N}](?:[ -~\p{L}\p{N}]{0,62}[!-~\p{L}\p{N}])?$/u.test(role),
    )
  )
    refuse(`each role must be a text of 1 to ${MAX_ROLE_LENGTH} visible characters`);
  if (new Set(roles).size < roles.length) refuse('roles must not name one twice');
}
