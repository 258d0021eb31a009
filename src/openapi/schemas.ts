import { STATUS_CODES } from 'node:http';
import { ChangeEmailDto, DeleteAccountDto } from '../auth/account/account.dto.js';
import { ImpersonateDto } from '../auth/admin/users.dto.js';
import { ForgotPasswordDto, ResetPasswordDto, VerifyEmailDto } from '../auth/recovery/recovery.dto.js';
import {
  ChangePasswordDto,
  LoginDto,
  LogoutDto,
  MAX_PASSWORD_UNITS,
  ReauthenticateDto,
  RefreshDto,
  RegisterDto,
} from '../auth/session/dto/auth.dto.js';
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../core/errors.js';
import { AUTH_EVENT_NAMES } from '../core/events.js';
import { MINUTE_MS } from '../core/limits.js';
import { TRANSPORTS } from '../core/refresh-token.js';
import { MAX_ROLE_LENGTH, MAX_ROLES } from '../core/roles.js';
import type { ResolvedAuthOptions } from '../options/resolve-options.js';
import type { Reference, Schema } from './open-api.types.js';
import {
  bodyOf,
  count,
  filledText,
  flag,
  listOf,
  moment,
  object,
  ref,
  text,
  textOrNull,
  texts,
  withNote,
} from './schema.js';

const JWT = '^[\\w-]+\\.[\\w-]+\\.[\\w-]+$';
const EXAMPLE_JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2OTIwZjBhMSJ9.c2lnbmF0dXJl';
const EXAMPLE_ID = '6920f0a1c2d3e4f5a6b7c8d9';

const ADMIN_REQUESTS: Record<string, Schema> = {
  RolesRequest: object({
    roles: withNote(
      listOf({ type: 'string', minLength: 1, maxLength: MAX_ROLE_LENGTH }),
      `At most ${MAX_ROLES}, each once.`,
    ),
  }),
  ImpersonateRequest: bodyOf(ImpersonateDto, { reason: withNote({}, 'For the audit log.', 'ticket 4711') }),
};

/** Bodies of requests: the rules of the DTOs, with what they do not say. */
export function requestSchemas(options: ResolvedAuthOptions, hasLinks: boolean): Record<string, Schema> {
  const { minLength, maxLength } = options.password;
  const { shortIdleTtlMs } = options.refreshToken;
  const password = { format: 'password', examples: ['correct horse battery'] };
  const presented = { ...password, maxLength: Math.min(maxLength, MAX_PASSWORD_UNITS) };
  const chosen = {
    ...password,
    minLength,
    maxLength,
    description: `${minLength} to ${maxLength} characters (code points) of any kind. Too short, too obvious or among the most used: \`WEAK_PASSWORD\`.`,
  };
  const transports = options.refreshToken.allowBodyTransport ? [...TRANSPORTS] : ['cookie'];
  const notes: Record<string, Schema> = {
    email: withNote(
      {},
      'Trimmed, NFKC, lower case, an international domain as the DNS has it: however it is typed, it is the same address.',
      'ada@example.com',
    ),
    password: presented,
    currentPassword: presented,
    newPassword: chosen,
    name: withNote({}, 'As the user wants to be called.', 'Ada'),
    transport: withNote(
      { enum: transports },
      options.refreshToken.allowBodyTransport
        ? 'How the refresh token travels for the life of the session: `cookie` (default; browsers) or `body` (mobile and server clients).'
        : 'How the refresh token travels: this service allows the cookie only.',
    ),
    appId: withNote({}, 'Which of your applications this is; shown in the list of sessions.', 'shop'),
    deviceId: withNote({}, 'The client’s own lasting id of the device.', '8f14e45f'),
    rememberMe: withNote(
      {},
      `False: the cookies end with the browser, and the session after ${shortIdleTtlMs / MINUTE_MS} minutes without use. True unless given.`,
    ),
    deviceName: withNote({}, 'Shown in the list of sessions.', 'Ada’s phone'),
    refreshToken: withNote(
      {},
      'Body transport only. Where it is given, the cookie is not read; the token of a cookie session is refused here.',
    ),
    ...attemptNotes(options),
    token: withNote({}, 'What stands behind the `#` of the link. Good once.'),
  };
  const links = {
    ChangeEmailRequest: bodyOf(ChangeEmailDto, notes),
    ForgotPasswordRequest: bodyOf(ForgotPasswordDto, notes),
    ResetPasswordRequest: bodyOf(ResetPasswordDto, notes),
    VerifyEmailRequest: bodyOf(VerifyEmailDto, notes),
  };
  return {
    RegisterRequest: bodyOf(RegisterDto, { ...notes, password: chosen }, options.registration.fields),
    LoginRequest: bodyOf(LoginDto, notes),
    RefreshTokenRequest: bodyOf(RefreshDto, notes),
    LogoutRequest: bodyOf(LogoutDto, notes),
    ReauthenticateRequest: bodyOf(ReauthenticateDto, notes),
    ChangePasswordRequest: bodyOf(ChangePasswordDto, notes),
    DeleteAccountRequest: bodyOf(DeleteAccountDto, notes),
    ...ADMIN_REQUESTS,
    ...(hasLinks ? links : {}),
  };
}

/** How a client tells its retries from a second holder of its token. */
function attemptNotes(options: ResolvedAuthOptions): Record<string, Schema> {
  return {
    attempt: withNote(
      {},
      '16 random bytes, base64url. Draw and store them before you send them, and send the same ones until an answer is stored: they tell your retry from a second holder of the token.',
      'q83vEjRWeJCrze8SNFZ4kA',
    ),
    previous: withNote(
      {},
      'The attempt before, which made the session as you know it. With it a stored token that fell back is healed.',
    ),
    relay: withNote(
      {},
      options.refreshToken.allowRelay
        ? 'Set by a server that refreshes on behalf of a browser (server-side rendering): the use of its access token then does not prove that the browser has the new cookie.'
        : 'Ignored by this service.',
    ),
  };
}

const seconds = (description: string, example?: number) =>
  withNote(count, `Seconds. ${description}`, example);
const token = (description: string) => withNote({ type: 'string', pattern: JWT }, description, EXAMPLE_JWT);
const sessionId: Schema = { type: 'string', pattern: '^[0-9a-f]{24}$', examples: [EXAMPLE_ID] };
const expiresAt = withNote(moment, 'When the session ends if it is not used again.');
const userId: Schema = { ...filledText, examples: [EXAMPLE_ID] };
const user: Record<string, Schema> = {
  id: userId,
  email: { type: 'string', maxLength: 254, examples: ['ada@example.com'] },
  'name?': withNote(text, 'Absent where none was given.', 'Ada'),
  roles: { ...texts, examples: [['user']] },
};
const PROFILE: Record<string, Schema> = {
  createdAt: withNote(moment, 'When the user registered.'),
  'actor?': withNote(object({ id: userId }), 'The administrator who acts for the user with this token.'),
};

export const WELL_KNOWN_SCHEMAS: Record<string, Schema> = {
  ServerMetadata: object(
    {
      issuer: { type: 'string', format: 'uri' },
      'jwks_uri?': { type: 'string', format: 'uri' },
      'introspection_endpoint?': { type: 'string', format: 'uri' },
      'introspection_endpoint_auth_methods_supported?': texts,
      'revocation_endpoint?': { type: 'string', format: 'uri' },
      'revocation_endpoint_auth_methods_supported?': texts,
      response_types_supported: texts,
      grant_types_supported: texts,
      'dpop_signing_alg_values_supported?': texts,
    },
    'RFC 8414 §2. The two endpoints stand here where clients are configured.',
  ),
};

export const SOCKET_SCHEMAS: Record<string, Schema> = {
  Ticket: object({
    ticket: withNote({ type: 'string', pattern: '^[\\w-]{43}$' }, 'Good once.'),
    expiresIn: { const: 30 },
  }),
};

/** Of browsers' own requests. */
export const DEVICE_SCHEMAS: Record<string, Schema> = {
  DeviceSession: object(
    {
      session_identifier: filledText,
      refresh_url: filledText,
      scope: object({
        include_site: { const: false },
        scope_specification: listOf(
          object({ type: { enum: ['include', 'exclude'] }, domain: { const: '*' }, path: filledText }),
        ),
      }),
      credentials: listOf(object({ type: { const: 'cookie' }, name: filledText, attributes: filledText })),
      allowed_refresh_initiators: texts,
    },
    'The session instructions of the draft "Device Bound Session Credentials".',
  ),
  DeviceSessionRenewal: {
    oneOf: [ref('DeviceSession'), object({ continue: { const: false } }, 'The session is over.')],
  },
};

const CURRENT_SESSION = object({
  id: sessionId,
  generation: withNote(count, 'How often the refresh token was rotated.'),
  expiresAt,
});

const adminUser: Record<string, Schema> = {
  ...user,
  createdAt: withNote(moment, 'When the user registered.'),
  emailVerifiedAt: withNote(
    { type: ['string', 'null'], format: 'date-time' },
    'Null: the address is not proved.',
  ),
  disabledAt: withNote({ type: ['string', 'null'], format: 'date-time' }, 'Null: the user may log in.'),
  hasPassword: withNote(flag, 'Whether the user can log in by a password.'),
};

const ADMIN_USER_SCHEMAS: Record<string, Schema> = {
  AdminUser: object(adminUser),
  UserPage: object({
    items: listOf(ref('AdminUser')),
    'nextCursor?': withNote(text, 'For the next page; absent on the last one.'),
  }),
};

/** One is never there without the other. */
const together = { refreshToken: ['refreshExpiresIn'], refreshExpiresIn: ['refreshToken'] };

const OWN_CLAIMS: Schema = {
  type: 'object',
  description: 'This service’s own claims, as the access token has them; absent where it has none.',
  additionalProperties: true,
};

export function answerSchemas({
  refreshToken: { allowBodyTransport },
  accessToken: { senderConstraint },
}: ResolvedAuthOptions): Record<string, Schema> {
  const shown = { ...user, 'claims?': OWN_CLAIMS };
  const inBody = {
    'refreshToken?': token(
      'Body transport only, and not after a reauthentication. Replace the stored one before you use the access token.',
    ),
    'refreshExpiresIn?': seconds('Life of the refresh token; body transport only.', 604800),
  };
  const answer = object({
    accessToken: token('Keep it in memory; send it as `Authorization: Bearer …`.'),
    tokenType:
      senderConstraint === 'on'
        ? withNote(
            { type: 'string', enum: ['Bearer', 'DPoP'] },
            'The scheme of `Authorization`; `DPoP` in a session that is bound to a key.',
          )
        : { const: 'Bearer' },
    expiresIn: seconds('Life of the access token.', 900),
    user: ref('User'),
    session: ref('CurrentSession'),
    ...(allowBodyTransport ? inBody : {}),
  });
  return {
    TokenAnswer: allowBodyTransport ? { ...answer, dependentRequired: together } : answer,
    User: object(shown),
    Profile: object({ ...shown, ...PROFILE }),
    ...ADMIN_USER_SCHEMAS,
    CurrentSession: CURRENT_SESSION,
    Session: object({
      id: sessionId,
      current: withNote(flag, 'Whether this request came from the session.'),
      'deviceName?': withNote({ type: 'string', maxLength: 128 }, 'As given at login.'),
      'appId?': withNote({ type: 'string', maxLength: 128 }, 'As given at login.'),
      userAgent: withNote({ ...textOrNull, maxLength: 256 }, 'Of the latest use.'),
      ip: withNote(text, 'Of the latest use.', '203.0.113.9'),
      createdAt: withNote(moment, 'When the user logged in.'),
      lastUsedAt: withNote(moment, 'When the session was last refreshed.'),
      expiresAt,
    }),
    // Public halves only: an answer with a private member would break the schema.
    JwkSet: object(
      { keys: listOf({ oneOf: [ref('RsaKey'), ref('EllipticCurveKey')] }) },
      'RFC 7517 §5. Empty where tokens are signed with shared secrets (HMAC).',
    ),
    RsaKey: jwk('RSA', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'], {
      n: base64url,
      e: base64url,
    }),
    EllipticCurveKey: jwk('EC', ['ES256', 'ES384', 'ES512'], {
      crv: { type: 'string', enum: ['P-256', 'P-384', 'P-521'] },
      x: base64url,
      y: base64url,
    }),
  };
}

const base64url: Schema = { type: 'string', pattern: '^[\\w-]+$' };

function jwk(kty: string, algorithms: string[], members: Record<string, Schema>): Schema {
  const alg = { type: 'string', enum: algorithms };
  return object({ kty: { const: kty }, kid: filledText, alg, use: { const: 'sig' }, ...members });
}

const type: Schema = { type: 'string', enum: AUTH_EVENT_NAMES };
const day: Schema = { type: 'string', format: 'date', description: 'UTC.', examples: ['2026-01-31'] };
const ip: Schema = { type: 'string', examples: ['203.0.113.9'] };
const classification: Schema = { type: 'string', examples: ['successor_confirmed'] };
const ofTop = {
  key: text,
  count,
  error: withNote(count, 'The true number is from `count` less this up to `count`.'),
};

/** Answers of the audit log and the security report. */
export const AUDIT_SCHEMAS: Record<string, Schema> = {
  SecurityEventPage: object({
    items: listOf(ref('SecurityEvent')),
    'nextCursor?': withNote(text, 'For the next page; absent on the last one.'),
  }),
  SecurityEvent: object(
    {
      id: { type: 'string', format: 'uuid' },
      at: moment,
      type,
      'userId?': withNote(text, 'The user it is about.'),
      'sessionId?': text,
      'by?': withNote(text, 'The administrator who did it.'),
      'ip?': ip,
      'userAgent?': { type: 'string', maxLength: 256 },
      'device?': object(
        { 'appId?': text, 'deviceId?': text, 'deviceName?': text },
        'What the client said about its device at login.',
      ),
      'reason?': classification,
      'evidence?': { type: 'object', description: 'What else the event says, by its type.' },
    },
    'What does not apply is absent.',
  ),
  SecurityReport: object({
    generatedAt: moment,
    from: day,
    to: { ...day, description: 'UTC; included.' },
    totals: listOf(object({ type, count }), 'Every type of event, the most frequent first.'),
    days: listOf(
      object({
        day,
        counts: object(Object.fromEntries(AUTH_EVENT_NAMES.map((name) => [`${name}?`, count]))),
      }),
      'Every day of the period, the oldest first; types that did not come on it are absent.',
    ),
    reasons: listOf(
      object({ type, reason: { type: 'string', examples: ['wrong_password'] }, count }),
      'Of the types that give one; the most frequent first.',
    ),
    topSources: listOf(object(ofTop), 'Addresses, and networks of IPv6, from which most logins failed.'),
    topTargets: listOf(
      object({ ...ofTop, email: withNote(textOrNull, 'Null where there is no such user any more.') }),
      'Users for whom most logins failed; `key` is the id.',
    ),
    reuseCases: listOf(
      ref('ReuseCase'),
      'Refresh tokens that were used twice: the newest first, 50 at most.',
    ),
    falseAlarmsAvoided: object(
      {
        replays: count,
        recoveries: count,
        healed: count,
        isAtMost: withNote(flag, 'Whether there may be fewer.'),
      },
      'Earlier refresh tokens that were answered, without the sessions in which a theft or a second holder was found. A thief who has not shown yet may be among them.',
    ),
    sessions: object(
      { active: count, isAtLeast: withNote(flag, 'Whether there may be more.') },
      'As it is now.',
    ),
    indexes: listOf(
      object({
        collection: text,
        index: { type: 'string', examples: ['{ expiresAt: 1 }'] },
        isTtl: flag,
        state: { type: 'string', enum: ['ok', 'missing', 'different'] },
        found: withNote(textOrNull, 'What there is in place of a different one.'),
        overdueMs: withNote(
          { type: ['integer', 'null'], minimum: 0 },
          'Of TTL: how long the document that expired first has waited to be removed.',
        ),
      }),
      'As they are now.',
    ),
  }),
  ReuseCase: object({
    at: moment,
    userId: text,
    sessionId: text,
    classification,
    presentedGeneration: count,
    generation: withNote(count, 'Of the session when the token came.'),
    revoked: withNote(flag, 'False in shadow mode: nothing was ended.'),
    source: object({ ip: textOrNull, userAgent: textOrNull }, 'Who presented it.'),
    lastUse: {
      oneOf: [object({ ip: text, userAgent: textOrNull, at: moment }, 'The other side.'), { type: 'null' }],
    },
  }),
};

const errorFields = (code: Schema | Reference) => ({
  statusCode: { type: 'integer', examples: [400] },
  code,
  message: withNote(filledText, 'For people; may change.'),
  error: withNote(text, 'The status in words.', STATUS_CODES[400]),
});

export const ERROR_SCHEMAS: Record<string, Schema> = {
  ErrorCode: {
    type: 'string',
    enum: AUTH_ERROR_CODES,
    description: [
      'Stable; decide by it, never by the message.\n',
      ...AUTH_ERROR_CODES.map(
        (code) => `- \`${code}\`: ${AUTH_ERRORS[code].status}. ${AUTH_ERRORS[code].meaning}`,
      ),
    ].join('\n'),
  },
  Error: object(errorFields(ref('ErrorCode')), 'The one shape of an error.'),
  ValidationError: object(
    {
      ...errorFields({ const: 'VALIDATION_FAILED' }),
      details: { ...listOf(ref('FieldProblem')), minItems: 1 },
    },
    'An error that names the fields at fault.',
  ),
  FieldProblem: object({
    field: withNote(
      text,
      'Name of the field in the request body; empty where the body itself is at fault.',
      'email',
    ),
    message: { type: 'string', examples: ['email must be an email'] },
  }),
};
