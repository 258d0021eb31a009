/** For services that only verify access tokens. Does not load Mongoose. */
export { VerifyOnlyAuthModule } from './verify-only-auth.module.js';
export type { VerifyOnlyAuthModuleExtras } from './verify-only.module-definition.js';
export type { KeySetOptions, VerifyOnlyAuthOptions } from '../options/verify-only.options.js';

// Guards, decorators
export { JwtAuthGuard, OptionalJwtAuthGuard } from '../http/guards/jwt-auth.guard.js';
export { RolesGuard } from '../http/guards/roles.guard.js';
export { CurrentSession, CurrentUser } from '../http/decorators/current-user.decorator.js';
export { IS_PUBLIC, Public } from '../http/decorators/public.decorator.js';
export { RequireFreshAuth } from '../http/decorators/require-fresh-auth.decorator.js';
export { Roles } from '../http/decorators/roles.decorator.js';
export { ACCESS_TOKEN_STRATEGY } from '../http/strategies/jwt.strategy.js';
export type { AuthenticatedSession, AuthenticatedUser } from '../tokens/access-token.authenticator.js';

// Sockets, events, revocation
export { AccessTokens } from '../http/access-tokens.js';
export { SocketSessions } from '../http/socket-sessions.js';
export { AuthEventBus } from '../events/auth-event-bus.js';
export { RedisRevocationStore } from '../revocation/redis-revocation.store.js';
export { SessionWatcher } from '../revocation/session-watcher.js';

// Errors and filters
export { AUTH_ERRORS, AuthError } from '../core/errors.js';
export type { AuthErrorCode } from '../core/errors.js';
export { AuthErrorFilter } from '../http/filters/auth-error.filter.js';
export { AuthHttpException } from '../http/filters/auth-http.exception.js';
