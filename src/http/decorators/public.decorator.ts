import { SetMetadata } from '@nestjs/common';

/**
 * Metadata key of `@Public()`, which every route of the library carries too: a global guard of your own that reads it leaves
 * them to their own guards.
 *
 * @example
 * reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])
 */
export const IS_PUBLIC = 'silent-auth:public';

/** Exempts a handler or a controller from `JwtAuthGuard`. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
