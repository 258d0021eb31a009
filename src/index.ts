// The module
export { AuthModule } from './auth/auth.module.js';
export type { AuthModuleExtras } from './auth/auth.module-definition.js';
export { UsersModule } from './users/users.module.js';

// Services
export { AuthService } from './auth/auth.service.js';
export type { LogoutTokens } from './auth/auth.service.js';
export { type PasswordReset, PasswordResetService } from './auth/recovery/password-reset.service.js';
export { EmailVerificationService } from './auth/recovery/email-verification.service.js';
export { AdminService } from './auth/admin/admin.service.js';
export type { Administrator } from './auth/admin/admin.service.js';
export type { SecurityEventsQueryDto } from './auth/admin/security-events-query.dto.js';
export { DoctorService } from './auth/doctor/doctor.service.js';
export type { ReportFormat, SecurityReportQueryDto } from './auth/admin/security-report-query.dto.js';
export { AuthHttp } from './auth/auth-http.js';
export type { ClientRequest } from './auth/auth-http.js';
export { UsersService } from './users/users.service.js';
export type { PasswordCheck, Registration } from './users/users.service.js';
export { QueuedPasswordHasher } from './users/queued-password-hasher.js';
export type { HashingStats } from './users/queued-password-hasher.js';
export { PwnedPasswordsBreachChecker } from './users/pwned-passwords-breach-checker.js';
export type { PwnedPasswordsOptions } from './users/pwned-passwords-breach-checker.js';
export { RefreshTokenService } from './tokens/refresh-token.service.js';
export type { LoginCircumstances, NewSession, OpenSession } from './tokens/refresh-token.service.js';
export type { ClientTraits } from './tokens/client-traits.js';
export type { RecentUse, RefreshSession, SessionDevice } from './tokens/refresh-token.store.js';
export type { SignedToken } from './tokens/token-signer.js';
export { KeyRing } from './tokens/key-ring.js';
export type { KeyChange, SigningKey, TokenKind } from './tokens/key-ring.js';
export { IntrospectionService } from './auth/oauth/introspection.service.js';
export type { ActiveToken, Introspection } from './auth/oauth/introspection.service.js';
export { RevocationService } from './revocation/revocation.service.js';
export type { RevocableToken, RevocationStats } from './revocation/revocation.service.js';
export { RedisRevocationStore } from './revocation/redis-revocation.store.js';
export type { RedisRevocationStoreOptions } from './revocation/redis-revocation.store.js';
export type { RedisClient, RedisSubscriber } from './revocation/redis-client.js';
export { AuthEventBus } from './events/auth-event-bus.js';
export type { EventRecorder } from './events/auth-event-bus.js';
export { AuditService } from './audit/audit.service.js';
export { SecurityReportService } from './audit/security-report.service.js';
export type { SecurityReportQuery } from './audit/security-report.service.js';
export { securityReportCsv } from './audit/report-csv.js';
export type {
  AuditStats,
  SecurityEventPage,
  SecurityEventQuery,
  SecuritySummary,
} from './audit/audit.service.js';
export { renderReportPage, reportPagePolicy, reportPageSources } from './audit/report-page/report-page.js';
export type { ReportPageSources } from './audit/report-page/page-parts.js';
export { NotificationService } from './notifications/notification.service.js';
export type { Composed, NotificationStats } from './notifications/notification.service.js';
export type { MailStats } from './notifications/mail-queue.js';

// Strategies, guards, decorators
export { JwtStrategy } from './tokens/jwt.strategy.js';
export { JwtRefreshStrategy } from './tokens/jwt-refresh.strategy.js';
export type { AuthenticatedSession, AuthenticatedUser } from './tokens/access-token.authenticator.js';
export { JwtAuthGuard } from './auth/guards/jwt-auth.guard.js';
export { JwtRefreshGuard } from './auth/guards/jwt-refresh.guard.js';
export { RolesGuard } from './auth/guards/roles.guard.js';
export { CrossSiteGuard } from './auth/guards/cross-site.guard.js';
export { LoginThrottleGuard, RefreshThrottleGuard } from './auth/guards/throttle.guard.js';
export { CurrentSession, CurrentUser } from './auth/decorators/current-user.decorator.js';
export { Public } from './auth/decorators/public.decorator.js';
export { Roles } from './auth/decorators/roles.decorator.js';

// Options
export type {
  AccessTokenOptions,
  AnomalyOptions,
  AuditOptions,
  AuthOptions,
  CookieOptions,
  FingerprintOptions,
  IntrospectionClient,
  KeyOptions,
  PasswordOptions,
  RefreshTokenOptions,
  RevocationOptions,
  SessionOptions,
  ThrottleOptions,
  LimitOptions,
} from './core/options/auth-options.js';
export { checkOptions } from './core/options/resolve-options.js';
export { ConfigurationError } from './core/options/option-reader.js';
export type { ConfigurationProblem } from './core/options/option-reader.js';
export { parseDuration } from './core/duration.js';
export type { Duration } from './core/duration.js';
export type { FingerprintFeature } from './core/fingerprint.js';
export { tokenLifetimes } from './core/options/token-lifetimes.js';
export type { TokenLifetimes } from './core/options/token-lifetimes.js';
export { describeKey } from './core/describe-key.js';
export type { KeyDescription } from './core/describe-key.js';
export type { KeyInput, SigningAlgorithm } from './core/key-spec.js';

// What is wrong
export { examineOptions } from './core/doctor/examine.js';
export type { Finding, FindingSeverity } from './core/doctor/finding.js';

// Ports
export type {
  BreachChecker,
  Clock,
  Mailer,
  NewUser,
  PasswordHasher,
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
  UserRecord,
  UserStore,
} from './core/ports.js';
export { MailRefusedError } from './core/mail.js';
export type { MailMessage, SuspicionCause } from './core/mail.js';

// Errors and filters
export { AUTH_ERRORS, AuthError } from './core/errors.js';
export type { AuthErrorCode, AuthErrorInit, FieldProblem } from './core/errors.js';
export { AuthErrorFilter } from './auth/filters/auth-error.filter.js';
export { AuthHttpException } from './auth/filters/auth-http.exception.js';
export type { ErrorAnswer } from './auth/filters/error-answer.js';
export { ParseErrorFilter } from './auth/filters/parse-error.filter.js';

// OpenAPI
export { openApiDocument } from './auth/openapi/open-api-document.js';
export type { OpenApiOptions } from './auth/openapi/open-api-document.js';
export type { OpenApiDocument } from './auth/openapi/open-api.types.js';

// Events, answers, the rotation rule
export type {
  AuthEventName,
  AuthEvents,
  EarlierTokenEvent,
  EventDevice,
  EventSource,
  RefusalReason,
} from './core/events.js';
export { AUTH_EVENT_NAMES } from './core/security-event.js';
export type { SecurityEvent } from './core/security-event.js';
export type { TopEntry } from './core/top-counter.js';
export type { IndexState } from './core/index-state.js';
export type {
  DayCount,
  EventTotal,
  ReasonTotal,
  ReportDay,
  ReuseCase,
  SecurityReport,
  TopTarget,
} from './core/security-report.js';
export type {
  ProfileAnswer,
  SessionAnswer,
  TokenAnswer,
  TokenGrant,
  UserAnswer,
} from './auth/dto/answers.js';
export type { AccessTokenClaims } from './core/access-token.js';
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
export { decideRotation } from './core/rotation.js';
export type {
  Predecessor,
  PresentedToken,
  RestoredEvidence,
  ReuseEvidence,
  RevocationReason,
  RotationDecision,
  RotationPolicy,
  RotationState,
} from './core/rotation.js';
