import type { AuthErrorCode } from '../../core/errors.js';
import type { AuthOptions } from '../../core/options/auth-options.js';
import { cookieName, refreshCookieName } from '../../tokens/refresh-token.extractor.js';
import type { AuthModuleExtras } from '../auth.module-definition.js';
import { AUDIT_SCHEMAS } from './audit-schemas.js';
import { REPORT_SCHEMAS } from './report-schemas.js';
import { answerSchemas, ref } from './answer-schemas.js';
import { ERROR_SCHEMAS, errorResponses } from './error-responses.js';
import { clearedCookie, deviceCookie, noStore, setCookie, tokenCookie } from './headers.js';
import { INTROSPECTION_SCHEMAS, introspectionPaths } from './introspection-paths.js';
import type {
  Header,
  OpenApiDocument,
  Operation,
  Parameter,
  PathItem,
  Response,
  SecurityScheme,
} from './open-api.types.js';
import { requestSchemas } from './request-schemas.js';
import { CODES, REGISTRATION_TO_VERIFY, type Route, type RouteName, ROUTES } from './routes.js';

/** What of the module's options shows in the document; the options themselves can be spread into it. */
export interface OpenApiOptions
  extends
    Pick<AuthModuleExtras, 'routePrefix' | 'controllers'>,
    Pick<
      AuthOptions,
      'refreshToken' | 'password' | 'introspectionClients' | 'audit' | 'mailer' | 'emailVerification'
    > {
  /**
   * Where the routes are: a URL, or a path relative to where the document is read (a global prefix goes here).
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
 * The routes of this module as an OpenAPI 3.1 document: every answer, code and header. It is yours to change, or to
 * merge into the document of your own routes.
 *
 * @example
 * const auth = openApiDocument({ ...authOptions, serverUrl: 'https://api.example.com' });
 * document.paths = { ...document.paths, ...auth.paths };
 */
export function openApiDocument(options: OpenApiOptions = {}): OpenApiDocument {
  const { routePrefix = 'auth', serverUrl = '/', version = '1.0.0', password = {} } = options;
  const {
    domain = null,
    path = '/',
    secure = true,
    sameSite = 'strict',
  } = options.refreshToken?.cookie ?? {};
  const { allowBodyTransport = false } = options.refreshToken ?? {};
  const attributes = { domain, path, secure, sameSite };
  const cookies = { refresh: refreshCookieName(attributes), device: cookieName('device', attributes) };
  const prefix = routePrefix.replace(/^\/*|\/*$/g, '');
  const hasClients = (options.introspectionClients ?? []).length > 0;
  const paths: Record<string, PathItem> = {};
  const hasAdmin = options.controllers?.admin !== false;
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const route = ROUTES[name];
    if (route.tag === 'Administration' && !hasAdmin) continue;
    if (route.needsAudit && options.audit === false) continue;
    if (route.tag === 'Links' && !options.mailer) continue;
    const at = `${prefix && `/${prefix}`}${route.path}`;
    paths[at] = { ...paths[at], [route.method]: operation(name, asConfigured(name, options), cookies) };
  }
  // Parts are shared by all documents; a caller may change his.
  return structuredClone({
    openapi: '3.1.0',
    info: { title: 'Silent Auth', version, description: INTRODUCTION },
    servers: [{ url: serverUrl }],
    tags: [
      { name: 'Login', description: 'Registration, login, silent refresh, logout.' },
      ...(options.mailer ? [{ name: 'Links', description: 'What is done by links out of mail.' }] : []),
      { name: 'Sessions', description: 'Where a user is logged in.' },
      ...(hasAdmin ? [{ name: 'Administration', description: 'For administrators: role `admin`.' }] : []),
      { name: 'Keys', description: 'For services that verify access tokens themselves.' },
      ...(hasClients
        ? [{ name: 'Services', description: 'For services with credentials of their own.' }]
        : []),
    ],
    paths: {
      ...paths,
      ...(hasClients ? introspectionPaths(prefix && `/${prefix}`) : {}),
      '/.well-known/jwks.json': { get: jwks() },
    },
    components: {
      schemas: {
        ...requestSchemas({
          allowBodyTransport,
          minPasswordLength: password.minLength ?? 8,
          maxPasswordLength: password.maxLength ?? 128,
          hasLinks: Boolean(options.mailer),
        }),
        ...answerSchemas({ allowBodyTransport }),
        ...(hasAdmin && options.audit !== false ? { ...AUDIT_SCHEMAS, ...REPORT_SCHEMAS } : {}),
        ...ERROR_SCHEMAS,
        ...(hasClients ? INTROSPECTION_SCHEMAS : {}),
      },
      securitySchemes: {
        ...securitySchemes(cookies.refresh),
        ...(hasClients ? { client: CLIENT_SCHEME } : {}),
      },
    },
  });
}

/** A route as the options make it: only where addresses are verified is a login refused for it, and none told as taken. */
function asConfigured(
  name: RouteName,
  { emailVerification }: OpenApiOptions,
): { readonly route: Route; readonly codes: readonly AuthErrorCode[] } {
  const isRequired = emailVerification === 'required';
  const unsaid = isRequired && name === 'register' ? 'EMAIL_TAKEN' : isRequired ? null : 'EMAIL_NOT_VERIFIED';
  const route = ROUTES[name];
  return {
    route: isRequired && name === 'register' ? { ...route, success: REGISTRATION_TO_VERIFY } : route,
    codes: CODES[name].filter((code) => code !== unsaid),
  };
}

interface CookieNames {
  readonly refresh: string;
  readonly device: string;
}

const INTRODUCTION = `Short-lived access tokens, and refresh tokens that rotate on every use.

- Keep the access token in memory and send it as \`Authorization: Bearer …\`.
- In a browser the refresh token is an HttpOnly cookie that no script sees: send \`credentials: "include"\`.
- On 401 \`ACCESS_TOKEN_EXPIRED\` or \`ACCESS_TOKEN_REVOKED\` call \`refresh\` once and repeat the request. Where the refresh is
  refused with 401 or 403, show the login; on 429, 503 and network errors wait and try again: nobody is logged out by them.
- Errors have one shape. Decide by \`code\`, which is stable.`;

function operation(
  name: RouteName,
  { route, codes }: ReturnType<typeof asConfigured>,
  cookies: CookieNames,
): Operation {
  const { tag, summary, description, needs, request } = route;
  return {
    operationId: name,
    tags: [tag],
    summary,
    description,
    security: needs.map((scheme) => (scheme === null ? {} : { [scheme]: [] })),
    ...parametersOf(route),
    ...(request
      ? {
          requestBody: {
            required: request.required,
            content: { 'application/json': { schema: ref(request.schema) } },
          },
        }
      : {}),
    responses: {
      [route.success.status]: success(route.success, cookies),
      ...errorResponses(codes, cookies.refresh),
    },
  };
}

const ID_OF = {
  session: 'Id of a session. One that is malformed, unknown or another user’s gets the same 404.',
  user: 'Id of a user. One that is malformed or unknown gets the same 404.',
} as const;

function parametersOf({ idOf, query = [] }: Route): { parameters?: Parameter[] } {
  const inPath: Parameter[] = idOf
    ? [{ name: 'id', in: 'path', required: true, description: ID_OF[idOf], schema: { type: 'string' } }]
    : [];
  const inQuery = query.map((parameter): Parameter => ({ ...parameter, in: 'query', required: false }));
  const parameters = [...inPath, ...inQuery];
  return parameters.length > 0 ? { parameters } : {};
}

function success(
  { description, schema, isList, texts, cookie, headers }: Route['success'],
  names: CookieNames,
): Response {
  return {
    description,
    headers: {
      'Cache-Control': noStore(),
      ...(cookie ? { 'Set-Cookie': cookieHeader(cookie, names) } : {}),
      ...headers,
    },
    ...(schema
      ? {
          content: {
            'application/json': { schema: isList ? { type: 'array', items: ref(schema) } : ref(schema) },
            ...texts,
          },
        }
      : {}),
  };
}

function cookieHeader(
  effect: NonNullable<Route['success']['cookie']>,
  { refresh, device }: CookieNames,
): Header {
  const text = 'Cookie transport only: the refresh token, out of reach of scripts.';
  switch (effect) {
    case 'set':
      return setCookie([tokenCookie(refresh)], text);
    case 'set with device':
      return setCookie(
        [tokenCookie(refresh), deviceCookie(device)],
        `${text} A second line, \`${device}\`, lets the service recognise the device: others’ wrong passwords do not lock it out.`,
      );
    case 'device kept':
      return setCookie([deviceCookie(device)], 'A device that the account knew before is known on.');
    case 'cleared':
      return setCookie([clearedCookie(refresh)], 'Clears the refresh cookie.', { required: true });
    case 'cleared if yours':
      return setCookie([clearedCookie(refresh)], 'Clears the refresh cookie, where it is this user’s.');
  }
}

function jwks(): Operation {
  return {
    operationId: 'jwks',
    tags: ['Keys'],
    summary: 'The public keys of access tokens',
    description:
      'A service that verifies by these alone accepts an ended session’s access token until it expires.',
    security: [],
    responses: {
      200: {
        description: 'The key set.',
        headers: {
          'Cache-Control': {
            description: 'May be kept for five minutes.',
            required: true,
            schema: { type: 'string', const: 'public, max-age=300' },
          },
        },
        content: { 'application/json': { schema: ref('JwkSet') } },
      },
    },
  };
}

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
      description: 'The `accessToken` of the last answer. Never in a URL.',
    },
    refreshCookie: {
      type: 'apiKey',
      in: 'cookie',
      name: cookie,
      description:
        'Set by the service; HttpOnly. Sessions in body transport send `refreshToken` in the body.',
    },
  };
}
