import { ERROR_SCHEMAS } from './error-responses.js';
import type { Reference, Schema } from './open-api.types.js';

const JWT = '^[\\w-]+\\.[\\w-]+\\.[\\w-]+$';
/** As the DTOs: beyond it no password is even measured. */
const MAX_PASSWORD_INPUT = 8192;

export interface SchemaOptions {
  readonly allowBodyTransport: boolean;
  readonly minPasswordLength: number;
  readonly maxPasswordLength: number;
}

export const ref = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });

export function schemas(options: SchemaOptions): Record<string, Schema> {
  return { ...requests(options), ...answers(options), ...KEYS, ...ERROR_SCHEMAS };
}

function requests({
  allowBodyTransport,
  minPasswordLength,
  maxPasswordLength,
}: SchemaOptions): Record<string, Schema> {
  const device = {
    transport: {
      type: ['string', 'null'],
      enum: allowBodyTransport ? ['cookie', 'body', null] : ['cookie', null],
      description: allowBodyTransport
        ? 'How the refresh token travels for the life of the session: `cookie` (default; browsers) or `body` (mobile and server clients).'
        : 'How the refresh token travels: this service allows the cookie only.',
    },
    appId: optionalText(128, 'Which of your applications this is; shown in the list of sessions.', 'shop'),
    deviceId: optionalText(128, 'The client’s own lasting id of the device.', '8f14e45f'),
    deviceName: optionalText(128, 'Shown in the list of sessions.', 'Ada’s phone'),
  };
  const newPassword: Schema = {
    type: 'string',
    format: 'password',
    minLength: minPasswordLength,
    maxLength: maxPasswordLength,
    description: `${minPasswordLength} to ${maxPasswordLength} characters (code points) of any kind. Too short, too obvious or among the most used: \`WEAK_PASSWORD\`.`,
    examples: ['correct horse battery'],
  };
  const password: Schema = {
    type: 'string',
    format: 'password',
    minLength: 1,
    maxLength: Math.min(maxPasswordLength, MAX_PASSWORD_INPUT),
    examples: ['correct horse battery'],
  };
  return {
    RegisterRequest: {
      type: 'object',
      properties: {
        email: email(true),
        password: newPassword,
        name: { ...optionalText(100, 'As the user wants to be called.', 'Ada'), minLength: 1 },
        ...device,
      },
      required: ['email', 'password'],
      additionalProperties: false,
    },
    LoginRequest: {
      type: 'object',
      properties: { email: email(false), password, ...device },
      required: ['email', 'password'],
      additionalProperties: false,
    },
    RefreshTokenRequest: {
      type: 'object',
      properties: {
        refreshToken: {
          type: ['string', 'null'],
          description:
            'Body transport only. Where it is given, the cookie is not read; the token of a cookie session is refused here.',
        },
      },
      additionalProperties: false,
    },
    ChangePasswordRequest: {
      type: 'object',
      properties: { currentPassword: password, newPassword },
      required: ['currentPassword', 'newPassword'],
      additionalProperties: false,
    },
  };
}

function answers({ allowBodyTransport }: SchemaOptions): Record<string, Schema> {
  const user: Record<string, Schema> = {
    id: { type: 'string', minLength: 1, examples: ['6920f0a1c2d3e4f5a6b7c8d9'] },
    email: { type: 'string', maxLength: 254, examples: ['ada@example.com'] },
    name: { type: 'string', description: 'Absent where none was given.', examples: ['Ada'] },
    roles: { type: 'array', items: { type: 'string' }, examples: [['user']] },
  };
  const inBody: Record<string, Schema> = {
    refreshToken: {
      type: 'string',
      pattern: JWT,
      description: 'Body transport only. Replace the stored one before you use the access token.',
    },
    refreshExpiresIn: { ...seconds('Life of the refresh token; body transport only.'), examples: [604800] },
  };
  return {
    TokenAnswer: {
      type: 'object',
      properties: {
        accessToken: {
          type: 'string',
          pattern: JWT,
          description: 'Keep it in memory; send it as `Authorization: Bearer …`.',
        },
        tokenType: { const: 'Bearer' },
        expiresIn: { ...seconds('Life of the access token.'), examples: [900] },
        user: ref('User'),
        session: ref('CurrentSession'),
        ...(allowBodyTransport ? inBody : {}),
      },
      required: ['accessToken', 'tokenType', 'expiresIn', 'user', 'session'],
      ...(allowBodyTransport
        ? {
            dependentRequired: { refreshToken: ['refreshExpiresIn'], refreshExpiresIn: ['refreshToken'] },
          }
        : {}),
      additionalProperties: false,
    },
    User: {
      type: 'object',
      properties: user,
      required: ['id', 'email', 'roles'],
      additionalProperties: false,
    },
    Profile: {
      type: 'object',
      properties: { ...user, createdAt: dateTime('When the user registered.') },
      required: ['id', 'email', 'roles', 'createdAt'],
      additionalProperties: false,
    },
    CurrentSession: {
      type: 'object',
      properties: {
        id: sessionId(),
        generation: { type: 'integer', minimum: 0, description: 'How often the refresh token was rotated.' },
        expiresAt: dateTime('When the session ends if it is not used again.'),
      },
      required: ['id', 'generation', 'expiresAt'],
      additionalProperties: false,
    },
    Session: {
      type: 'object',
      properties: {
        id: sessionId(),
        current: { type: 'boolean', description: 'Whether this request came from the session.' },
        deviceName: { type: 'string', maxLength: 128, description: 'As given at login.' },
        appId: { type: 'string', maxLength: 128, description: 'As given at login.' },
        userAgent: { type: ['string', 'null'], maxLength: 256, description: 'Of the latest use.' },
        ip: { type: 'string', description: 'Of the latest use.', examples: ['203.0.113.9'] },
        createdAt: dateTime('When the user logged in.'),
        lastUsedAt: dateTime('When the session was last refreshed.'),
        expiresAt: dateTime('When the session ends if it is not used again.'),
      },
      required: ['id', 'current', 'userAgent', 'ip', 'createdAt', 'lastUsedAt', 'expiresAt'],
      additionalProperties: false,
    },
  };
}

const jwk = (kty: string, algorithms: string[], members: Record<string, Schema>): Schema => ({
  type: 'object',
  properties: {
    kty: { const: kty },
    kid: { type: 'string', minLength: 1 },
    alg: { type: 'string', enum: algorithms },
    use: { const: 'sig' },
    ...members,
  },
  required: ['kty', 'kid', 'alg', 'use', ...Object.keys(members)],
  additionalProperties: false,
});

const base64url: Schema = { type: 'string', pattern: '^[\\w-]+$' };

/** Public halves only: an answer with a private member would break the schema. */
const KEYS: Record<string, Schema> = {
  JwkSet: {
    type: 'object',
    description: 'RFC 7517 §5. Empty where tokens are signed with shared secrets (HMAC).',
    properties: {
      keys: {
        type: 'array',
        items: { oneOf: [ref('RsaKey'), ref('EllipticCurveKey')] },
      },
    },
    required: ['keys'],
    additionalProperties: false,
  },
  RsaKey: jwk('RSA', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'], { n: base64url, e: base64url }),
  EllipticCurveKey: jwk('EC', ['ES256', 'ES384', 'ES512'], {
    crv: { type: 'string', enum: ['P-256', 'P-384', 'P-521'] },
    x: base64url,
    y: base64url,
  }),
};

function email(isNew: boolean): Schema {
  return {
    type: 'string',
    maxLength: 254,
    ...(isNew ? { format: 'email' } : {}),
    description: 'Trimmed, NFKC, lower case: however it is typed, it is the same address.',
    examples: ['ada@example.com'],
  };
}

function optionalText(maxLength: number, description: string, example: string): Schema {
  return { type: ['string', 'null'], maxLength, description, examples: [example] };
}

function seconds(description: string): Schema {
  return { type: 'integer', minimum: 0, description: `Seconds. ${description}` };
}

function dateTime(description: string): Schema {
  return { type: 'string', format: 'date-time', description };
}

function sessionId(): Schema {
  return { type: 'string', pattern: '^[0-9a-f]{24}$', examples: ['6920f0a1c2d3e4f5a6b7c8d9'] };
}
