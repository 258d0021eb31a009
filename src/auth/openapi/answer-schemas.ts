import type { Reference, Schema } from './open-api.types.js';

const JWT = '^[\\w-]+\\.[\\w-]+\\.[\\w-]+$';
const EXAMPLE_JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2OTIwZjBhMSJ9.c2lnbmF0dXJl';

export const ref = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });

export function answerSchemas({
  allowBodyTransport,
}: {
  readonly allowBodyTransport: boolean;
}): Record<string, Schema> {
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
      examples: [EXAMPLE_JWT],
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
          examples: [EXAMPLE_JWT],
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
    ...KEYS,
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

function seconds(description: string): Schema {
  return { type: 'integer', minimum: 0, description: `Seconds. ${description}` };
}

function dateTime(description: string): Schema {
  return { type: 'string', format: 'date-time', description };
}

function sessionId(): Schema {
  return { type: 'string', pattern: '^[0-9a-f]{24}$', examples: ['6920f0a1c2d3e4f5a6b7c8d9'] };
}
