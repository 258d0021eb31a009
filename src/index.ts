// The module
export { AuthModule } from './auth/auth.module.js';
export type { AuthModuleExtras } from './auth/auth.module-definition.js';
export { UsersModule } from './users/users.module.js';
export { VerifyOnlyAuthModule } from './verify/verify-only-auth.module.js';
export type { VerifyOnlyAuthModuleExtras } from './verify/verify-only.module-definition.js';

// Services
export { AuthService } from './auth/session/auth.service.js';
export { PasswordResetService } from './auth/recovery/password-reset.service.js';
export { EmailVerificationService } from './auth/verification/email-verification.service.js';
export { AdminService } from './auth/admin/admin.service.js';
export type { Administrator } from './auth/admin/admin.service.js';
export { UserAdminService } from './auth/admin/user-admin.service.js';
export type { AdminUserAnswer, UserPage } from './auth/admin/user-admin.service.js';
export { ImpersonationService } from './auth/admin/impersonation.service.js';
export { UserRemovalService } from './auth/account/user-removal.service.js';
export { EmailChangeService } from './auth/verification/email-change.service.js';
export { DoctorService } from './doctor/doctor.service.js';
export { AuthHttp } from './auth/session/auth-http.js';
export type { SessionOpening } from './auth/session/login.service.js';
export type { Reauthentication } from './auth/session/reauthentication.service.js';
export type { ClientRequest } from './http/client-reader.js';
export { UsersService } from './users/users.service.js';
export type { Registration, UserCreation } from './users/users.service.js';
export { migrateUsers } from './users/mongo-user.migration.js';
export type {
  UserMigrationOptions,
  UserMigrationReport,
  UserMigrationSettings,
} from './users/mongo-user.migration.js';
export { argon2Verifier, pbkdf2Verifier, scryptVerifier } from './users/password-verifiers.js';
export type { Argon2Package } from './users/password-verifiers.js';
export { QueuedPasswordHasher } from './users/queued-password-hasher.js';
export { PwnedPasswordsBreachChecker } from './users/pwned-passwords-breach-checker.js';
export type { PwnedPasswordsOptions } from './users/pwned-passwords-breach-checker.js';
export { RefreshTokenService } from './tokens/refresh-token.service.js';
export type { NewSession } from './tokens/session-opener.js';
export type { ClientTraits } from './tokens/client-traits.js';
export { KeyRing } from './tokens/keys/key-ring.js';
export type { KeyChange, SigningKey, TokenKind } from './tokens/keys/key-ring.js';
export { IntrospectionService } from './auth/oauth/introspection.service.js';
export type { Introspection } from './auth/oauth/introspection.service.js';
export { RevocationService } from './revocation/revocation.service.js';
export { RedisRevocationStore } from './revocation/redis-revocation.store.js';
export type { RedisRevocationStoreOptions } from './revocation/redis-revocation.store.js';
export { SessionWatcher } from './revocation/session-watcher.js';
export type { EndedSession, WatchedSession } from './revocation/session-watcher.js';
export { AccessTokens } from './http/access-tokens.js';
export { SocketSessions } from './http/socket-sessions.js';
export type { SocketOptions } from './http/socket-sessions.js';
export { Tickets } from './http/tickets.js';
export type { TicketAnswer } from './http/tickets.js';
export { AuthEventBus } from './events/auth-event-bus.js';
export { AuditService } from './audit/audit.service.js';
export { SecurityReportService } from './audit/report/security-report.service.js';
export { securityReportCsv } from './audit/report/report-csv.js';
export { renderReportPage, reportPagePolicy, reportPageSources } from './audit/report/report-page.js';
export { NotificationService } from './notifications/notification.service.js';

// Strategies, guards, decorators
export { ACCESS_TOKEN_STRATEGY, JwtStrategy } from './http/strategies/jwt.strategy.js';
export { JwtRefreshStrategy, REFRESH_TOKEN_STRATEGY } from './http/strategies/jwt-refresh.strategy.js';
export type { AuthenticatedSession, AuthenticatedUser } from './tokens/access-token.authenticator.js';
export { JwtAuthGuard, OptionalJwtAuthGuard } from './http/guards/jwt-auth.guard.js';
export { JwtRefreshGuard } from './http/guards/jwt-refresh.guard.js';
export { RolesGuard } from './http/guards/roles.guard.js';
export { CrossSiteGuard } from './http/guards/cross-site.guard.js';
export { LoginThrottleGuard, RefreshThrottleGuard } from './http/guards/throttle.guard.js';
export { CurrentSession, CurrentUser } from './http/decorators/current-user.decorator.js';
export { LoginRoute } from './auth/session/login-route.decorator.js';
export { IS_PUBLIC, Public } from './http/decorators/public.decorator.js';
export { RequireFreshAuth } from './http/decorators/require-fresh-auth.decorator.js';
export { Roles } from './http/decorators/roles.decorator.js';

// Options
export type { AuthOptions, MessageContext } from './options/auth-options.js';
export type { AccessTokenOptions } from './options/access-token.options.js';
export type { AnomalyOptions } from './options/anomaly.options.js';
export type { CollectionOptions } from './options/collections.options.js';
export type { UserFieldOptions, UserOptions } from './options/users.options.js';
export type { KeySetOptions, VerifyOnlyAuthOptions } from './options/verify-only.options.js';
export type { AuditOptions } from './options/audit.options.js';
export type { FingerprintOptions } from './options/fingerprint.options.js';
export type { IntrospectionClient } from './options/introspection-clients.options.js';
export type { KeyOptions } from './options/keys.options.js';
export type { PasswordOptions } from './options/password.options.js';
export type { CookieOptions, RefreshTokenOptions } from './options/refresh-token.options.js';
export type { RevocationOptions } from './options/revocation.options.js';
export type { SessionOptions } from './options/sessions.options.js';
export type { LimitOptions, ThrottleOptions } from './options/throttle.options.js';
export { originMatcher } from './options/trusted-origins.options.js';
export type { TrustedOriginsOption } from './options/trusted-origins.options.js';
export { checkOptions } from './options/resolve-options.js';
export { ConfigurationError } from './options/option-reader.js';
export type { ConfigurationProblem } from './options/option-reader.js';
export { parseDuration } from './core/duration.js';
export type { Duration } from './core/duration.js';
export type { FingerprintFeature } from './core/fingerprint.js';
export { tokenLifetimes } from './options/token-lifetimes.js';
export { KeyFileError, readKeySet } from './tokens/keys/key-set.js';
export type { KeySet } from './tokens/keys/key-set.js';
export { describeKey } from './tokens/keys/describe-key.js';
export type { KeyInput, SigningAlgorithm } from './options/keys/key-spec.js';

// Doctor
export { examineOptions } from './doctor/checks/examine.js';
export type { Finding, FindingSeverity } from './doctor/checks/finding.js';

// Ports
export type {
  BreachChecker,
  Clock,
  EmailChange,
  HashRequester,
  Mailer,
  NewUser,
  PasswordHasher,
  PasswordVerifier,
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationStore,
  RevocationWatch,
  RolesChange,
  UserList,
  UserQuery,
  UserRecord,
  UserStore,
} from './core/ports.js';
export type {
  Authentication,
  EndedLogin,
  LiveSessionCount,
  RecentUse,
  RefreshSession,
  RefreshTokenStore,
  ReissueCommand,
  RotationCommand,
  SessionDevice,
  SessionLogin,
} from './core/refresh-token.store.js';
export { MAX_PREDECESSORS, MAX_RECENT_USES } from './core/rotation.js';
export type { AbandonedSecret, Predecessor } from './core/rotation.js';
export { ADMINISTRATOR_ROLE } from './core/roles.js';
export type { SharedUse } from './core/shared-use.js';
export { MailRefusedError } from './core/mail.js';
export type { MailMessage, SuspicionCause } from './core/mail.js';

// Errors and filters
export { AUTH_ERRORS, AuthError } from './core/errors.js';
export type { AuthErrorCode, FieldProblem } from './core/errors.js';
export { answerBadUrl, type BadUrlReply } from './http/filters/answer-bad-url.js';
export { AuthErrorFilter } from './http/filters/auth-error.filter.js';
export { AuthHttpException } from './http/filters/auth-http.exception.js';
export type { ErrorAnswer } from './http/filters/error-answer.js';
export { ParseErrorFilter } from './http/filters/parse-error.filter.js';

// OpenAPI
export { mergeAuthDocument } from './openapi/merge-auth-document.js';
export type { MergeableDocument, MergeOptions } from './openapi/merge-auth-document.js';
export { openApiDocument } from './openapi/open-api-document.js';
export type { OpenApiOptions } from './openapi/open-api-document.js';
export type { OpenApiDocument } from './openapi/open-api.types.js';

// Events, answers, the rotation rule
export { AUTH_EVENT_NAMES, AUTH_EVENTS, writablePayload } from './core/events.js';
export type { AuthEventName, AuthEvents, EventSource } from './core/events.js';
export type { SecurityEvent } from './audit/security-event.js';
export type { TopEntry } from './audit/top-counter.js';
export type { IndexState } from './database/index-state.js';
export type { ReuseCase, SecurityReport } from './audit/security-report.js';
export type {
  AccessGrant,
  ProfileAnswer,
  SessionAnswer,
  TokenAnswer,
  TokenGrant,
  UserAnswer,
} from './auth/session/dto/answers.js';
export type { AccessTokenClaims } from './core/access-token.js';
export { RESERVED_CLAIMS } from './core/custom-claims.js';
export type { ClaimsSession, CustomClaims } from './core/custom-claims.js';
export type { RefreshTokenClaims, Transport } from './core/refresh-token.js';
export { ANOMALY_RULES } from './core/anomaly.js';
export type {
  Activity,
  ActivityUse,
  AnomalyRule,
  LoginActivity,
  RefreshActivity,
  Suspicion,
} from './core/anomaly.js';
export type { RevocationReason } from './core/rotation.js';
