import { ref } from './answer-schemas.js';
import { noStore, retryAfter } from './headers.js';
import type { Header, Operation, PathItem, Response, Schema } from './open-api.types.js';

/** The OAuth endpoints, which exist where clients are configured. Their errors have the shape of their RFCs. */
export function introspectionPaths(prefix: string): Record<string, PathItem> {
  return {
    [`${prefix}/introspect`]: { post: introspect() },
    [`${prefix}/revoke`]: { post: revoke() },
  };
}

const seconds: Schema = { type: 'integer', minimum: 0, description: 'Seconds since the epoch.' };
const text: Schema = { type: 'string', minLength: 1 };

export const INTROSPECTION_SCHEMAS: Record<string, Schema> = {
  TokenRequest: {
    type: 'object',
    properties: {
      token: { ...text, description: 'The token in question, of either kind.' },
      token_type_hint: {
        type: 'string',
        description: '`access_token` or `refresh_token`. Refresh tokens are told of only where it says so.',
      },
      client_id: { type: 'string', description: 'With `client_secret`, in place of HTTP Basic.' },
      client_secret: { type: 'string', format: 'password' },
    },
    required: ['token'],
  },
  Introspection: {
    description: 'RFC 7662 §2.2. Of a token that is not active nothing else is said.',
    oneOf: [ref('InactiveToken'), ref('ActiveAccessToken'), ref('ActiveRefreshToken')],
  },
  InactiveToken: {
    type: 'object',
    properties: { active: { const: false } },
    required: ['active'],
    additionalProperties: false,
  },
  ActiveAccessToken: active({
    token_type: { const: 'Bearer', description: 'Of access tokens only: take nothing else for one.' },
    client_id: text,
    roles: { type: 'array', items: { type: 'string' }, examples: [['user']] },
  }),
  ActiveRefreshToken: active({}),
  OAuthError: {
    type: 'object',
    description: 'RFC 6749 §5.2.',
    properties: {
      error: {
        type: 'string',
        enum: [
          'invalid_request',
          'invalid_client',
          'unsupported_token_type',
          'temporarily_unavailable',
          'server_error',
        ],
      },
      error_description: { type: 'string', minLength: 1, description: 'For people; may change.' },
    },
    required: ['error', 'error_description'],
    additionalProperties: false,
  },
};

function active(more: Record<string, Schema>): Schema {
  const properties: Record<string, Schema> = {
    active: { const: true },
    iss: text,
    aud: text,
    sub: { ...text, description: 'Id of the user.' },
    iat: seconds,
    exp: seconds,
    jti: text,
    sid: { ...text, description: 'Id of the session.' },
    ...more,
  };
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function introspect(): Operation {
  return {
    ...COMMON,
    operationId: 'introspect',
    summary: 'Ask whether a token is good',
    description:
      'RFC 7662. Looks at signature, expiry, revocation and session. A refresh token is active while it is the current one; nothing is rotated by asking.',
    responses: {
      200: {
        description: 'What is known of the token.',
        headers: { 'Cache-Control': noStore() },
        content: { 'application/json': { schema: ref('Introspection') } },
      },
      ...ERRORS,
    },
  };
}

function revoke(): Operation {
  return {
    ...COMMON,
    operationId: 'revoke',
    summary: 'Revoke a token',
    description:
      'RFC 7009. With a refresh token its session ends, and the access tokens of that; an access token ends alone. A token that is none is no error.',
    responses: {
      200: { description: 'It is good no more, if it was.', headers: { 'Cache-Control': noStore() } },
      ...ERRORS,
      400: error(
        `${BAD_REQUEST} Or it is an access token, and the service keeps no revocations (RFC 7009 §2.2.1).`,
        ['invalid_request', 'unsupported_token_type'],
      ),
    },
  };
}

const COMMON: Pick<Operation, 'tags' | 'security' | 'requestBody'> = {
  tags: ['Services'],
  // Either way: which it is depends on the client (RFC 6749 §2.3.1).
  security: [{ client: [] }, {}],
  requestBody: {
    required: true,
    content: { 'application/x-www-form-urlencoded': { schema: ref('TokenRequest') } },
  },
};

const basicChallenge: Header = {
  description: 'RFC 7617.',
  required: true,
  schema: { type: 'string', pattern: '^Basic realm=' },
};

const BAD_REQUEST = 'A parameter is missing or repeated, or the client is named in two ways.';

const ERRORS: Record<string, Response> = {
  400: error(BAD_REQUEST, 'invalid_request'),
  401: error('The client is unknown, or its secret is wrong.', 'invalid_client', {
    'WWW-Authenticate': basicChallenge,
  }),
  413: error('The form is over 16 kB.', 'invalid_request'),
  415: error('Send a form in UTF-8, uncompressed.', 'invalid_request'),
  429: error('Too many wrong secrets.', 'temporarily_unavailable', { 'Retry-After': retryAfter() }),
  500: error('A bug of the service.', 'server_error'),
  503: error('Try again; until then nothing is known of the token.', 'temporarily_unavailable', {
    'Retry-After': retryAfter(),
  }),
};

function error(
  description: string,
  codes: string | string[],
  headers: Record<string, Header> = {},
): Response {
  return {
    description,
    headers: { 'Cache-Control': noStore(), ...headers },
    content: {
      'application/json': {
        schema: { allOf: [ref('OAuthError'), { properties: { error: { enum: [codes].flat() } } }] },
      },
    },
  };
}
