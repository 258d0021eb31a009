import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'silent-auth:public';

/** Exempts a handler or a controller from `JwtAuthGuard`. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
