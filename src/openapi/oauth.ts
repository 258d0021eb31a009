import type { Header, Operation, PathItem, Response, Schema } from './open-api.types.js';
import { NO_STORE, RETRY_AFTER } from './responses.js';
import { filledText, header, listOf, object, ref, text, withNote } from './schema.js';

const seconds: Schema = withNote({ type: 'integer', minimum: 0 }, 'Seconds since the epoch.');

const confirmation: Schema = withNote(
  object({ jkt: filledText }),
  'The thumbprint of the key that the token is bound to (RFC 9449 §6.2).',
);

const active = (more: Record<string, Schema> = {}): Schema =>
  object({
    active: { const: true },
    iss: filledText,
    aud: filledText,
    sub: withNote(filledText, 'Id of the user.'),
    iat: seconds,
    exp: seconds,
    jti: filledText,
    sid: withNote(filledText, 'Id of the session.'),
    ...more,
  });

export const OAUTH_SCHEMAS: Record<string, Schema> = {
  TokenRequest: {
    type: 'object',
    properties: {
      token: withNote(filledText, 'The token to check or revoke: an access token or a refresh token.'),
      token_type_hint: withNote(
        text,
        '`access_token` or `refresh_token`. A refresh token is recognised only if the hint says so.',
      ),
      client_id: withNote(text, 'With `client_secret`, instead of HTTP Basic.'),
      client_secret: { type: 'string', format: 'password' },
    },
    required: ['token'],
  },
  Introspection: {
    description: 'RFC 7662 §2.2. For an inactive token the response contains only `active`.',
    oneOf: [ref('InactiveToken'), ref('ActiveAccessToken'), ref('ActiveRefreshToken')],
  },
  InactiveToken: object({ active: { const: false } }),
  ActiveAccessToken: active({
    token_type: withNote(
      { type: 'string', enum: ['Bearer', 'DPoP'] },
      'Only for access tokens: do not accept a token without it as an access token. `DPoP` needs a proof of the key in `cnf`.',
    ),
    'cnf?': confirmation,
    'act?': object({ sub: filledText }, 'Who acts for the user (RFC 8693 §4.1); absent if nobody does.'),
    client_id: filledText,
    roles: { ...listOf(text), examples: [['user']] },
  }),
  ActiveRefreshToken: active({ 'cnf?': confirmation }),
  OAuthError: object(
    {
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
      error_description: withNote(filledText, 'For people; may change.'),
    },
    'RFC 6749 §5.2.',
  ),
};

const BAD_REQUEST = 'A parameter is missing or repeated, or the client used two authentication methods.';
const challenge = header('RFC 7617.', { type: 'string', pattern: '^Basic realm=' });

const later = { 'Retry-After': RETRY_AFTER };

const ERRORS: Record<string, Response> = {
  400: error(BAD_REQUEST, ['invalid_request']),
  401: error('The client is unknown, or its secret is wrong.', ['invalid_client'], {
    'WWW-Authenticate': challenge,
  }),
  413: error('The form is over 16 kB.', ['invalid_request']),
  415: error('Send a form in UTF-8, uncompressed.', ['invalid_request']),
  429: error('Too many wrong secrets.', ['temporarily_unavailable'], later),
  500: error('A bug in the service.', ['server_error']),
  503: error(
    'Temporary failure: try again. The response says nothing about the token.',
    ['temporarily_unavailable'],
    later,
  ),
};

function error(description: string, codes: string[], headers: Record<string, Header> = {}): Response {
  const schema = { allOf: [ref('OAuthError'), { properties: { error: { enum: codes } } }] };
  return {
    description,
    headers: { 'Cache-Control': NO_STORE, ...headers },
    content: { 'application/json': { schema } },
  };
}

/** The OAuth endpoints, which exist only if clients are configured. Their errors have the shape of the RFCs. */
export function oauthPaths(prefix: string): Record<string, PathItem> {
  const common: Pick<Operation, 'tags' | 'security' | 'requestBody'> = {
    tags: ['Services'],
    // The client chooses HTTP Basic or form fields (RFC 6749 §2.3.1).
    security: [{ client: [] }, {}],
    requestBody: {
      required: true,
      content: { 'application/x-www-form-urlencoded': { schema: ref('TokenRequest') } },
    },
  };
  const introspect: Operation = {
    ...common,
    operationId: 'introspect',
    summary: 'Check whether a token is valid',
    description:
      'RFC 7662. Checks signature, expiry, revocation and session. A refresh token is active while it is the current one of its session. The request rotates nothing.',
    responses: {
      ...ERRORS,
      200: {
        description: 'The state of the token.',
        headers: { 'Cache-Control': NO_STORE },
        content: { 'application/json': { schema: ref('Introspection') } },
      },
    },
  };
  const revoke: Operation = {
    ...common,
    operationId: 'revoke',
    summary: 'Revoke a token',
    description:
      'RFC 7009. A refresh token ends its session and the access tokens of that session. An access token is revoked without ending its session. An unknown token is not an error.',
    responses: {
      ...ERRORS,
      200: { description: 'The token is no longer valid.', headers: { 'Cache-Control': NO_STORE } },
      400: error(
        `${BAD_REQUEST} Or the token is an access token, and this service does not revoke access tokens (RFC 7009 §2.2.1).`,
        ['invalid_request', 'unsupported_token_type'],
      ),
    },
  };
  return { [`${prefix}/introspect`]: { post: introspect }, [`${prefix}/revoke`]: { post: revoke } };
}
