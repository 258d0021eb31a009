import { SetMetadata } from '@nestjs/common';

export const REQUIRED_ROLES = 'silent-auth:roles';

/** Lets `RolesGuard` pass users who have at least one of the roles. */
export const Roles = (...roles: [string, ...string[]]) => SetMetadata(REQUIRED_ROLES, roles);
