import { SetMetadata } from '@nestjs/common';

/**
 * Metadata key of `@Public()`. Every route of the library also has it, so that a global guard of yours can read it and
 * leave these routes to the library's guards.
 *
 * @example
 * reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])
 */
export const IS_PUBLIC = 'silent-auth:public';

/** Exempts a handler or a controller from `JwtAuthGuard`. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
