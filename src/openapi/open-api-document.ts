import { randomBytes } from 'node:crypto';
import type { AuthModuleExtras } from '../auth/auth.module-definition.js';
import {
  boundCookieName,
  deviceCookieName,
  hintCookieName,
  refreshCookieName,
} from '../http/refresh-cookie.js';
import type { AuthOptions } from '../options/auth-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import { OAUTH_SCHEMAS, oauthPaths } from './oauth.js';
import type {
  Method,
  OpenApiDocument,
  Operation,
  Parameter,
  PathItem,
  SecurityScheme,
} from './open-api.types.js';
import {
  codesOf,
  type CookieNames,
  errorResponses,
  type ProofTraits,
  successResponse,
  takesProof,
} from './responses.js';
import { AUDIT_ROUTES, REGISTRATION_TO_VERIFY, type Route, ROUTES, type Tag } from './routes.js';
import { fieldsOf, header, ref } from './schema.js';
import {
  answerSchemas,
  AUDIT_SCHEMAS,
  DEVICE_SCHEMAS,
  ERROR_SCHEMAS,
  requestSchemas,
  SOCKET_SCHEMAS,
  WELL_KNOWN_SCHEMAS,
} from './schemas.js';

/** The module's options that the document depends on. You can spread all module options into it. */
export interface OpenApiOptions
  extends
    Pick<AuthModuleExtras, 'routePrefix' | 'controllers'>,
    Pick<
      AuthOptions,
      | 'accessToken'
      | 'refreshToken'
      | 'password'
      | 'introspectionClients'
      | 'audit'
      | 'mailer'
      | 'emailVerification'
      | 'users'
      | 'registration'
    > {
  /**
   * Base of the routes: a URL, or a path relative to the document's own URL, such as a global prefix.
   * @default '/'
   */
  serverUrl?: string;
  /**
   * Version of your API.
   * @default '1.0.0'
   */
  version?: string;
}

/**
 * The routes of this module as an OpenAPI 3.1 document, with every response, error code and header. You may change the
 * result. `mergeAuthDocument` merges it into the document of your own routes.
 *
 * @example
 * const auth = openApiDocument({ ...authOptions, serverUrl: 'https://api.example.com' });
 */
export function openApiDocument(options: OpenApiOptions = {}): OpenApiDocument {
  const { routePrefix = 'auth', serverUrl = '/', version = '1.0.0', mailer, audit } = options;
  const resolved = withDefaults(options);
  const { cookie } = resolved.refreshToken;
  const cookies = {
    refresh: refreshCookieName(cookie),
    hint: hintCookieName(cookie),
    device: deviceCookieName(cookie),
    bound: boundCookieName(cookie),
  };
  const hasAdmin = options.controllers?.admin !== false;
  const hasClients = (options.introspectionClients ?? []).length > 0;
  const path = routePrefix.replace(/^\/*|\/*$/g, '');
  const prefix = path && `/${path}`;
  const tags = tagsOf({ hasLinks: Boolean(mailer), hasAdmin, hasClients });
  const proofs = {
    ofSessions: resolved.refreshToken.senderConstraint !== 'off',
    ofAccessTokens: resolved.accessToken.senderConstraint === 'on',
  };
  const paths = pathsOf(tags, prefix, options, { cookies, proofs });
  // Return a copy: documents share parts, and a caller may change its document.
  return structuredClone({
    openapi: '3.1.0',
    info: { title: 'Silent Auth', version, description: INTRODUCTION },
    servers: [{ url: serverUrl }],
    tags,
    paths: { ...paths, ...(hasClients ? oauthPaths(prefix) : {}), ...WELL_KNOWN_PATHS },
    components: {
      schemas: {
        ...requestSchemas(resolved, Boolean(mailer)),
        ...answerSchemas(resolved),
        ...SOCKET_SCHEMAS,
        ...DEVICE_SCHEMAS,
        ...WELL_KNOWN_SCHEMAS,
        ...(hasAdmin && audit !== false ? AUDIT_SCHEMAS : {}),
        ...ERROR_SCHEMAS,
        ...(hasClients ? OAUTH_SCHEMAS : {}),
      },
      securitySchemes: {
        ...securitySchemes(cookies.refresh),
        ...(hasClients ? { client: CLIENT_SCHEME } : {}),
      },
    },
  });
}

function pathsOf(
  tags: readonly { readonly name: string }[],
  prefix: string,
  options: OpenApiOptions,
  traits: DocumentTraits,
): Record<string, PathItem> {
  const paths: Record<string, PathItem> = {};
  for (const { name: tag } of tags)
    for (const [id, route] of Object.entries(ROUTES[tag as Tag] ?? {})) {
      if (id in AUDIT_ROUTES && options.audit === false) continue;
      const [method = '', at = ''] = route.at.split(' ');
      const described = { tags: [tag], ...operation(id, route, options, traits) };
      paths[prefix + at] = { ...paths[prefix + at], [method as Method]: described };
    }
  return paths;
}

/** The groups of routes that the options turn on. */
function tagsOf(has: { hasLinks: boolean; hasAdmin: boolean; hasClients: boolean }) {
  return [
    { name: 'Login', description: 'Registration, login, silent refresh, logout.' },
    { name: 'Links', description: 'Routes for mailed links.', isOff: !has.hasLinks },
    { name: 'Sessions', description: 'Where a user is logged in.' },
    { name: 'Administration', description: 'For administrators: role `admin`.', isOff: !has.hasAdmin },
    { name: 'Keys', description: 'For services that verify access tokens themselves.' },
    { name: 'Services', description: 'For services with client credentials.', isOff: !has.hasClients },
  ].flatMap(({ isOff = false, ...tag }) => (isOff ? [] : [tag]));
}

/** The options that affect schemas, with their defaults. Issuer and keys do not appear, so any value will do. */
function withDefaults({ accessToken, refreshToken, password, users, registration }: OpenApiOptions) {
  const secret = () => randomBytes(32).toString('base64url');
  const keys = { access: [secret()], refresh: [secret()] };
  const issuer = 'https://issuer.invalid';
  return resolveOptions({ issuer, keys, accessToken, refreshToken, password, users, registration });
}

const INTRODUCTION = `Short-lived access tokens, and refresh tokens that rotate on every use.

- Keep the access token in memory and send it as \`Authorization: Bearer …\`.
- In a browser the refresh token is an HttpOnly cookie that scripts cannot read: send \`credentials: "include"\`.
- On 401 \`ACCESS_TOKEN_EXPIRED\` or \`ACCESS_TOKEN_REVOKED\` call \`refresh\` once and repeat the request. Show the login
only if the refresh is refused with a code \`REFRESH_TOKEN_…\`, \`SESSION_REVOKED\` or \`SUSPICIOUS_ACTIVITY\`. After any other
failure, including a proxy's 403 and \`CROSS_SITE_REQUEST\`, wait and try again: the user is still logged in.
- All errors have the same shape. Use \`code\`, which is stable, to tell them apart.`;

function operation(
  id: string,
  route: Route,
  { emailVerification }: OpenApiOptions,
  { cookies, proofs }: DocumentTraits,
): Omit<Operation, 'tags'> {
  const { summary, description, needs = ['accessToken'], body } = route;
  const isToVerify = id === 'register' && emailVerification === 'required';
  // `EMAIL_NOT_VERIFIED` exists only if addresses must be verified; then `register` never answers `EMAIL_TAKEN`.
  const unusedElse = emailVerification === 'required' ? null : 'EMAIL_NOT_VERIFIED';
  const unused = isToVerify ? 'EMAIL_TAKEN' : unusedElse;
  const success = isToVerify ? REGISTRATION_TO_VERIFY : route.success;
  const hasProof = takesProof(route, proofs);
  const parameters = [...parametersOf(route), ...(hasProof ? [PROOF] : [])];
  const content = body && { 'application/json': { schema: ref(body) } };
  return {
    operationId: id,
    summary,
    description,
    security: needs.map((scheme) => (scheme === null ? {} : { [scheme]: [] })),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(content ? { requestBody: { required: !route.isBodyOptional, content } } : {}),
    responses: {
      [success.status]: successResponse(success, cookies, hasProof),
      ...errorResponses(
        codesOf(id, route, proofs).filter((code) => code !== unused),
        cookies,
      ),
    },
  };
}

/** The parts of the options that affect all routes. */
interface DocumentTraits {
  readonly cookies: CookieNames;
  readonly proofs: ProofTraits;
}

const PROOF: Parameter = {
  name: 'DPoP',
  in: 'header',
  required: false,
  description:
    'A proof of possession (RFC 9449, ES256) with the nonce of the last `DPoP-Nonce`. A session that begins with a proof is bound to its key, and then always needs proofs of that key.',
  schema: { type: 'string', maxLength: 4096 },
};

function parametersOf({ at, query, headers = [] }: Route): Parameter[] {
  const id = at.includes('/admin/')
    ? 'Id of a user. Malformed and unknown ids get the same 404.'
    : 'Id of a session. Malformed and unknown ids and those of other users get the same 404.';
  const inPath: Parameter = {
    name: 'id',
    in: 'path',
    required: true,
    description: id,
    schema: { type: 'string' },
  };
  const fields = query ? fieldsOf(query.dto, query.notes) : [];
  const inQuery = [...fields].map(([name, { description = '', ...schema }]): Parameter => {
    return { name, in: 'query', required: false, description, schema };
  });
  return [...(at.includes('{id}') ? [inPath] : []), ...inQuery, ...headers];
}

const KEPT_FOR_MINUTES = {
  'Cache-Control': header('May be cached for five minutes.', {
    type: 'string',
    const: 'public, max-age=300',
  }),
};

/** Always at the root of the host, without the prefix. */
const WELL_KNOWN_PATHS: Record<string, { readonly get: Operation }> = {
  '/.well-known/jwks.json': {
    get: {
      operationId: 'jwks',
      tags: ['Keys'],
      summary: 'The public keys of access tokens',
      description:
        'A service that only verifies signatures with these keys accepts access tokens of ended sessions until they expire.',
      security: [],
      responses: {
        200: {
          description: 'The key set.',
          headers: KEPT_FOR_MINUTES,
          content: { 'application/json': { schema: ref('JwkSet') } },
        },
      },
    },
  },
  '/.well-known/oauth-authorization-server': {
    get: {
      operationId: 'serverMetadata',
      tags: ['Keys'],
      summary: 'Locations of the keys and of the endpoints for other services',
      description: 'The metadata of RFC 8414, for libraries that discover it from the issuer.',
      security: [],
      responses: {
        200: {
          description: 'The metadata.',
          headers: KEPT_FOR_MINUTES,
          content: { 'application/json': { schema: ref('ServerMetadata') } },
        },
      },
    },
  },
};

const CLIENT_SCHEME: SecurityScheme = {
  type: 'http',
  scheme: 'basic',
  description: 'Id and secret of the client, each form-encoded (RFC 6749 §2.3.1).',
};

function securitySchemes(cookie: string): Record<string, SecurityScheme> {
  return {
    accessToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'The `accessToken` of the last response. Never put it in a URL.',
    },
    refreshCookie: {
      type: 'apiKey',
      in: 'cookie',
      name: cookie,
      description:
        'Set by the service; HttpOnly. Sessions with body transport send `refreshToken` in the body instead.',
    },
  };
}
