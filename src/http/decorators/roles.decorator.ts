import { SetMetadata } from '@nestjs/common';

export const REQUIRED_ROLES = 'silent-auth:roles';

/** Tells `RolesGuard` to admit only users with at least one of the roles. */
export const Roles = (...roles: [string, ...string[]]) => SetMetadata(REQUIRED_ROLES, roles);
