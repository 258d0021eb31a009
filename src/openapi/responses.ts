import { STATUS_CODES } from 'node:http';
import { AUTH_ERROR_CODES, AUTH_ERRORS, type AuthErrorCode } from '../core/errors.js';
import { challenge } from '../http/filters/error-answer.js';
import type { Header, Reference, Response, Schema } from './open-api.types.js';
import type { Route, Success } from './routes.js';
import { header, listOf, ref } from './schema.js';

export interface CookieNames {
  readonly refresh: string;
  readonly hint: string;
  readonly device: string;
  readonly bound: string;
}

export const NO_STORE = header('Responses of these routes are never cached.', {
  type: 'string',
  const: 'no-store',
});
export const RETRY_AFTER = header('Seconds until the client should try again.', {
  type: 'integer',
  minimum: 1,
});
/** Which proofs of possession the options turn on. */
export interface ProofTraits {
  /** Whether sessions can be bound to a key. */
  readonly ofSessions: boolean;
  /** Whether access tokens are bound to the same key. */
  readonly ofAccessTokens: boolean;
}

const PROOF_NONCE = header(
  'The nonce for the next proof, valid for one to two minutes (RFC 9449 §8).',
  { type: 'string', pattern: '^[\\w-]+$' },
  false,
);

const REGISTRATION = header(
  'With `refreshToken.deviceBound`: browsers that support it then register a key.',
  { type: 'string', pattern: '^\\(ES256\\);path="[^"]+";challenge="[^"]+"$' },
  false,
);
const DEVICE_CHALLENGE = header(
  'At a renewal: the challenge that the browser has to sign.',
  { type: 'string', pattern: '^"[^"]+";id="[^"]+"$' },
  false,
);

export function successResponse(success: Success, cookies: CookieNames, hasProof: boolean): Response {
  const { description, schema, listOf: item, texts, cookie, headers } = success;
  const json = item ? listOf(ref(item)) : schema && ref(schema);
  return {
    description,
    headers: {
      'Cache-Control': NO_STORE,
      ...(cookie ? { 'Set-Cookie': cookieHeader(cookie, cookies) } : {}),
      ...(hasProof && schema === 'TokenAnswer' ? { 'DPoP-Nonce': PROOF_NONCE } : {}),
      ...(cookie === 'set with device' ? { 'Secure-Session-Registration': REGISTRATION } : {}),
      ...headers,
    },
    ...(json ? { content: { 'application/json': { schema: json }, ...texts } } : {}),
  };
}

function cookieHeader(effect: NonNullable<Success['cookie']>, names: CookieNames): Header {
  const { refresh, hint, device, bound } = names;
  const token = `${refresh}=[\\w-]+\\.[\\w-]+\\.[\\w-]+; (?:Max-Age=[1-9]\\d*; )?`;
  const known = `${device}=[\\w-]+(?:\\.[\\w-]+)+; (?:Max-Age=[1-9]\\d*; )?`;
  const text = `Only with cookie transport: the refresh token, which scripts cannot read. The cookie \`${hint}=1\` lets scripts know that there may be one.`;
  const setHint = `${hint}=1; (?:Max-Age=[1-9]\\d*; )?`;
  switch (effect) {
    case 'set':
      return setCookie([token], text, setHint);
    case 'set with device':
      return setCookie(
        [token, known],
        `${text} Another cookie, \`${device}\`, lets the service recognise the device, so that other people’s wrong passwords do not lock it out.`,
        setHint,
      );
    case 'device kept':
      return setCookie([known], 'A device that the account knows stays known.');
    case 'cleared':
      return setCookie(
        [cleared(refresh), cleared(bound)],
        `Clears the refresh cookie and \`${hint}\`, unless they belong to another service.`,
        cleared(hint),
      );
    case 'cleared if yours':
      return setCookie(
        [cleared(refresh), cleared(bound)],
        `Clears the refresh cookie and \`${hint}\`, if they belong to this user.`,
        cleared(hint),
      );
    case 'bound':
      return setCookie(
        [`${bound}=[\\w.-]+; Max-Age=[1-9]\\d*; `],
        'The bound cookie, which a refresh needs.',
      );
  }
}

const cleared = (name: string): string => `${name}=; Max-Age=0; `;

/** A `Set-Cookie` header whose lines each match one of these patterns. */
function setCookie(lines: readonly string[], description: string, readable?: string): Header {
  const hidden = `^(?:${lines.join('|')}).*\\bHttpOnly\\b`;
  const pattern = readable === undefined ? hidden : `${hidden}|^${readable}`;
  return header(description, { type: 'string', pattern }, false);
}

/** The error codes of a route: those for its operation id, and those for its traits. */
export function codesOf(id: string, route: Route, proofs: ProofTraits): AuthErrorCode[] {
  const { at, needs = ['accessToken'], body, query, sameSite, throttle } = route;
  const traits = {
    any: true,
    body: !at.startsWith('get '),
    fields: body !== undefined || query !== undefined,
    sameSite,
    throttle,
    accessToken: isGuarded(needs),
    proof: takesProof(route, proofs),
    freshAuth: route.fresh,
    owner: route.owner,
    admin: at.includes('/admin/'),
    id: at.includes('{id}'),
    [id]: true,
  };
  const has = new Set(Object.entries(traits).flatMap(([name, isSet]) => (isSet ? [name] : [])));
  return AUTH_ERROR_CODES.filter((code) => AUTH_ERRORS[code].on.some((place) => has.has(place)));
}

/** Whether a route reads the header `DPoP`. */
export function takesProof({ proof, needs = ['accessToken'] }: Route, proofs: ProofTraits): boolean {
  return proofs.ofSessions && (proof === true || (proofs.ofAccessTokens && isGuarded(needs)));
}

function isGuarded(needs: NonNullable<Route['needs']>): boolean {
  return needs.includes('accessToken') && !needs.includes(null);
}

/** Error responses by status. */
export function errorResponses(
  codes: readonly AuthErrorCode[],
  cookies: CookieNames,
): Record<string, Response> {
  const statuses = [...new Set(codes.map((code) => AUTH_ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = codes.filter((code) => AUTH_ERRORS[code].status === status);
      return [status, errorResponse(status, ofStatus, cookies)];
    }),
  );
}

function errorResponse(status: number, codes: readonly AuthErrorCode[], cookies: CookieNames): Response {
  const clearing = codes.filter((code) => AUTH_ERRORS[code].clearsCookie);
  const { refresh, hint, bound } = cookies;
  const why = `Clears the refresh cookie and \`${hint}\`, if the refused token came in the cookie (${clearing.join(', ')}).`;
  return {
    description: codes.map((code) => `- \`${code}\`: ${AUTH_ERRORS[code].meaning}`).join('\n'),
    headers: {
      'Cache-Control': NO_STORE,
      ...(status === 401 ? { 'WWW-Authenticate': challengeHeader(codes) } : {}),
      ...(codes.includes('PROOF_REQUIRED') ? { 'DPoP-Nonce': PROOF_NONCE } : {}),
      ...(codes.includes('DEVICE_PROOF_REQUIRED') ? { 'Secure-Session-Challenge': DEVICE_CHALLENGE } : {}),
      ...(codes.includes('PROOF_REQUIRED') ? { 'Retry-After': { ...RETRY_AFTER, required: false } } : {}),
      ...(status === 429 || status === 503 ? { 'Retry-After': RETRY_AFTER } : {}),
      ...(clearing.length > 0
        ? { 'Set-Cookie': setCookie([cleared(refresh), cleared(bound)], why, cleared(hint)) }
        : {}),
    },
    content: { 'application/json': { schema: errorSchema(status, codes), example: example(codes[0]) } },
  };
}

function challengeHeader(codes: readonly AuthErrorCode[]): Header {
  const values = codes.flatMap((code) => [challenge(code, 'Bearer'), challenge(code, 'DPoP')]);
  const description =
    'Depends on the scheme of the access token and on the error (RFC 6750, RFC 9449, RFC 9470).';
  if (!codes.includes('REAUTHENTICATION_REQUIRED'))
    return header(description, { type: 'string', enum: [...new Set(values)] });
  const pattern = '^(?:Bearer|DPoP)\\b(?:.*\\bmax_age=\\d+)?';
  return header(description, { type: 'string', pattern });
}

function errorSchema(status: number, codes: readonly AuthErrorCode[]): Schema | Reference {
  const invalid = ref('ValidationError');
  const others = codes.filter((code) => code !== 'VALIDATION_FAILED');
  if (others.length === 0) return invalid;
  const properties = {
    statusCode: { const: status },
    code: { enum: others },
    error: { const: STATUS_CODES[status] },
  };
  const plain = { allOf: [ref('Error'), { properties }] };
  return others.length < codes.length ? { oneOf: [invalid, plain] } : plain;
}

function example(code: AuthErrorCode | undefined): object | undefined {
  if (code === undefined) return undefined;
  const { status: statusCode, message } = AUTH_ERRORS[code];
  const error = { statusCode, code, message, error: STATUS_CODES[statusCode] };
  const details = [{ field: 'email', message: 'email must be an email' }];
  return code === 'VALIDATION_FAILED' ? { ...error, details } : error;
}
