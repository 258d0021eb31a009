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
      `At most ${MAX_ROLES}, without duplicates.`,
    ),
  }),
  ImpersonateRequest: bodyOf(ImpersonateDto, { reason: withNote({}, 'For the audit log.', 'ticket 4711') }),
};

/** Request bodies: the rules of the DTOs, with additional notes. */
export function requestSchemas(options: ResolvedAuthOptions, hasLinks: boolean): Record<string, Schema> {
  const { minLength, maxLength } = options.password;
  const { shortIdleTtlMs } = options.refreshToken;
  const password = { format: 'password', examples: ['correct horse battery'] };
  const presented = { ...password, maxLength: Math.min(maxLength, MAX_PASSWORD_UNITS) };
  const chosen = {
    ...password,
    minLength,
    maxLength,
    description: `${minLength} to ${maxLength} characters (code points) of any kind. \`WEAK_PASSWORD\` if it is too short, too obvious or among the most used.`,
  };
  const transports = options.refreshToken.allowBodyTransport ? [...TRANSPORTS] : ['cookie'];
  const notes: Record<string, Schema> = {
    email: withNote(
      {},
      'The service normalises it: trimmed, NFKC, lower case, international domains in their DNS form. All spellings mean the same address.',
      'ada@example.com',
    ),
    password: presented,
    currentPassword: presented,
    newPassword: chosen,
    name: withNote({}, 'The name to show for the user.', 'Ada'),
    transport: withNote(
      { enum: transports },
      options.refreshToken.allowBodyTransport
        ? 'How the refresh token is sent during the whole session: `cookie` (default, for browsers) or `body` (for mobile and server clients).'
        : 'How the refresh token is sent: this service allows only the cookie.',
    ),
    appId: withNote({}, 'Which of your applications this is; shown in the list of sessions.', 'shop'),
    deviceId: withNote({}, 'A lasting id of the device, which the client chooses at random.', '8f14e45f'),
    rememberMe: withNote(
      {},
      `If false, the cookies end when the browser closes, and the session ends after ${shortIdleTtlMs / MINUTE_MS} minutes without use. True by default.`,
    ),
    deviceName: withNote({}, 'Shown in the list of sessions.', 'Ada’s phone'),
    refreshToken: withNote(
      {},
      'Only for body transport. If it is given, the cookie is not read. Tokens of cookie sessions are refused here.',
    ),
    ...attemptNotes(options),
    token: withNote({}, 'The text after the `#` of the link. Valid once.'),
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

/** The fields that distinguish a client's retries from a second holder of its token. */
function attemptNotes(options: ResolvedAuthOptions): Record<string, Schema> {
  return {
    attempt: withNote(
      {},
      '16 random bytes, base64url. Store them before you send them, and send the same ones until you have stored a response: they distinguish your retry from a second holder of the token.',
      'q83vEjRWeJCrze8SNFZ4kA',
    ),
    previous: withNote(
      {},
      'The previous attempt, which made the generation that you have. It lets the service repair a client whose stored token is outdated.',
    ),
    relay: withNote(
      {},
      options.refreshToken.allowRelay
        ? 'Set it in a server that refreshes on behalf of a browser (server-side rendering): use of its access token then does not prove that the browser has the new cookie.'
        : 'Ignored by this service.',
    ),
  };
}

const seconds = (description: string, example?: number) =>
  withNote(count, `Seconds. ${description}`, example);
const token = (description: string) => withNote({ type: 'string', pattern: JWT }, description, EXAMPLE_JWT);
const sessionId: Schema = { type: 'string', pattern: '^[0-9a-f]{24}$', examples: [EXAMPLE_ID] };
const expiresAt = withNote(moment, 'When the session ends unless it is used again.');
const userId: Schema = { ...filledText, examples: [EXAMPLE_ID] };
const user: Record<string, Schema> = {
  id: userId,
  email: { type: 'string', maxLength: 254, examples: ['ada@example.com'] },
  'name?': withNote(text, 'Absent if none was given.', 'Ada'),
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
    'RFC 8414 §2. The introspection and revocation endpoints are present only if clients are configured.',
  ),
};

export const SOCKET_SCHEMAS: Record<string, Schema> = {
  Ticket: object({
    ticket: withNote({ type: 'string', pattern: '^[\\w-]{43}$' }, 'Valid once.'),
    expiresIn: { const: 30 },
  }),
};

/** Responses to requests that browsers send by themselves. */
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
    'Null if the address is not verified.',
  ),
  disabledAt: withNote({ type: ['string', 'null'], format: 'date-time' }, 'Null if the user may log in.'),
  hasPassword: withNote(flag, 'Whether the user can log in with a password.'),
};

const ADMIN_USER_SCHEMAS: Record<string, Schema> = {
  AdminUser: object(adminUser),
  UserPage: object({
    items: listOf(ref('AdminUser')),
    'nextCursor?': withNote(text, 'For the next page; absent on the last one.'),
  }),
};

/** Both fields are present, or neither. */
const together = { refreshToken: ['refreshExpiresIn'], refreshExpiresIn: ['refreshToken'] };

const OWN_CLAIMS: Schema = {
  type: 'object',
  description: 'This service’s own claims in the access token; absent if there are none.',
  additionalProperties: true,
};

export function answerSchemas({
  refreshToken: { allowBodyTransport },
  accessToken: { senderConstraint },
}: ResolvedAuthOptions): Record<string, Schema> {
  const shown = { ...user, 'claims?': OWN_CLAIMS };
  const inBody = {
    'refreshToken?': token(
      'Only with body transport, and not after a reauthentication. Replace the stored token before you use the access token.',
    ),
    'refreshExpiresIn?': seconds('Lifetime of the refresh token; only with body transport.', 604800),
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
    expiresIn: seconds('Lifetime of the access token.', 900),
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
      userAgent: withNote({ ...textOrNull, maxLength: 256 }, 'The user agent of the latest use.'),
      ip: withNote(text, 'The address of the latest use.', '203.0.113.9'),
      createdAt: withNote(moment, 'When the user logged in.'),
      lastUsedAt: withNote(moment, 'When the session was last refreshed.'),
      expiresAt,
    }),
    // Only public halves: a response with a private member would violate the schema.
    JwkSet: object(
      { keys: listOf({ oneOf: [ref('RsaKey'), ref('EllipticCurveKey')] }) },
      'RFC 7517 §5. Empty if tokens are signed with shared secrets (HMAC).',
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
  error: withNote(count, 'The true number is between `count − error` and `count`.'),
};

/** Responses of the audit log and the security report. */
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
      'evidence?': { type: 'object', description: 'Other fields of the event, depending on its type.' },
    },
    'Fields that do not apply are absent.',
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
      'Every day of the period, the oldest first. Types that did not occur on a day are absent.',
    ),
    reasons: listOf(
      object({ type, reason: { type: 'string', examples: ['wrong_password'] }, count }),
      'How often each reason occurred, for types that have one; the most frequent first.',
    ),
    topSources: listOf(object(ofTop), 'IPv4 addresses and IPv6 networks with the most failed logins.'),
    topTargets: listOf(
      object({ ...ofTop, email: withNote(textOrNull, 'Null if the user no longer exists.') }),
      'Users with the most failed logins; `key` is the user id.',
    ),
    reuseCases: listOf(
      ref('ReuseCase'),
      'Refresh tokens that were used twice; the newest first, at most 50.',
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
      'The current state.',
    ),
    indexes: listOf(
      object({
        collection: text,
        index: { type: 'string', examples: ['{ expiresAt: 1 }'] },
        isTtl: flag,
        state: { type: 'string', enum: ['ok', 'missing', 'different'] },
        found: withNote(textOrNull, 'The actual index, if it is different.'),
        overdueMs: withNote(
          { type: ['integer', 'null'], minimum: 0 },
          'For TTL indexes: how long the document that expired first has waited to be removed.',
        ),
      }),
      'The current state.',
    ),
  }),
  ReuseCase: object({
    at: moment,
    userId: text,
    sessionId: text,
    classification,
    presentedGeneration: count,
    generation: withNote(count, 'Generation of the session when the token was presented.'),
    revoked: withNote(flag, 'False in shadow mode: no session was ended.'),
    source: object({ ip: textOrNull, userAgent: textOrNull }, 'Who presented it.'),
    lastUse: {
      oneOf: [object({ ip: text, userAgent: textOrNull, at: moment }, 'The other party.'), { type: 'null' }],
    },
  }),
};

const errorFields = (code: Schema | Reference) => ({
  statusCode: { type: 'integer', examples: [400] },
  code,
  message: withNote(filledText, 'For people; may change.'),
  error: withNote(text, 'The text of the HTTP status.', STATUS_CODES[400]),
});

export const ERROR_SCHEMAS: Record<string, Schema> = {
  ErrorCode: {
    type: 'string',
    enum: AUTH_ERROR_CODES,
    description: [
      'Stable. Use the code, never the message, to tell errors apart.\n',
      ...AUTH_ERROR_CODES.map(
        (code) => `- \`${code}\`: ${AUTH_ERRORS[code].status}. ${AUTH_ERRORS[code].meaning}`,
      ),
    ].join('\n'),
  },
  Error: object(errorFields(ref('ErrorCode')), 'The shape of every error.'),
  ValidationError: object(
    {
      ...errorFields({ const: 'VALIDATION_FAILED' }),
      details: { ...listOf(ref('FieldProblem')), minItems: 1 },
    },
    'An error that lists the invalid fields.',
  ),
  FieldProblem: object({
    field: withNote(
      text,
      'Name of the field in the request body; empty if the body itself is invalid.',
      'email',
    ),
    message: { type: 'string', examples: ['email must be an email'] },
  }),
};
