import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { newAttempt } from './attempting-client.js';
import { bodySchema, type Documented } from './documented-api.js';
import type { Call } from './http.js';
import { ACCESS_SECRET, CLIENT, REFRESH_SECRET } from './service.js';
import { encode, resign, signInput } from './tokens.js';

/** Real values for requests; answers add to them, so that later requests go deeper. */
export interface Pool {
  readonly accessTokens: string[];
  readonly refreshTokens: string[];
  readonly sessionIds: string[];
  /** Administrators' tokens, used only on administrators' routes. */
  readonly adminTokens: string[];
  /** Users that administrators may change in any way. */
  readonly userIds: string[];
  readonly emails: string[];
  readonly password: string;
}

export interface FuzzedRequest {
  readonly operation: Documented;
  readonly path: string;
  readonly call: Call;
  /** The parsed value, if the body was sent as `application/json` and is valid JSON. */
  readonly json?: { readonly value: unknown };
}

type Part = (pool: Pool) => string | undefined;
type Schema = {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  minLength?: number;
  maxLength?: number;
};

/** Node's client allows only Latin 1 without control characters in a header. */
const headerText = (maxLength: number) =>
  fc.string({
    unit: fc
      .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
      .map((code) => String.fromCharCode(code)),
    maxLength,
  });

const hugeText = fc.integer({ min: 130, max: 9_000 }).map((length) => 'x'.repeat(length));

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  hugeText,
  fc.constantFrom(
    '',
    '\u0000',
    '\ud800',
    '\udfff\ud800',
    '\u202eevil',
    'ﷺ'.repeat(30),
    'e\u0301'.repeat(70),
    '\r\nSet-Cookie: a=b',
    '{"$gt":""}',
    '__proto__',
    '<script>',
    "' OR 1=1 --",
  ),
);

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
};

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e308,
    [],
    {},
    { $gt: '' },
    { $ne: null },
    { $where: 'sleep(9)' },
    ['a@example.com'],
    [[[[]]]],
    { toString: 1, valueOf: 1, toJSON: 1 },
    { length: 1e9 },
    nested(60),
  ),
);

const oddName = fc.oneof(
  oddText.filter((text) => text.length < 200),
  fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', 'toString', 'then', '$where', '', 'a.b', '0'),
);

/** Raw bodies that are not JSON, or JSON at the limits of parsers. */
const oddBody: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom<string | Buffer>(
    '',
    ' ',
    'null',
    '[]',
    '""',
    '7',
    '{',
    '{}{}',
    '\ufeff{}',
    '{"email":"a@example.com","email":"b@example.com","password":"x"}',
    '{"__proto__":{"email":"a@example.com"}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"email":"\\ud800","password":"\\udfff"}',
    '{"email":1e400,"password":-0}',
    `${'['.repeat(7_000)}${']'.repeat(7_000)}`,
    `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`,
    `{"filler":"${'x'.repeat(15_000)}"}`,
    `{"filler":"${'x'.repeat(20_000)}"}`,
    Buffer.from('{"email":"a@example.com"}', 'utf16le'),
    Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    'email=a%40example.com&password=x',
  ),
);

const oddContentType = fc.oneof(
  fc.constantFrom(
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json; charset=utf-16',
    'application/json; charset=nonsense',
    'application/json;',
    'application/json; a="',
    'application/jsonp',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/plain; application/json',
    '*/*',
    '/',
    ';',
    'nonsense',
  ),
  headerText(60),
);

const oddHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { origin: 'https://evil.example.net' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'http://[::1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'nonsense' },
      { host: 'evil.example.net' },
      { host: '[::1' },
      { host: 'a b' },
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'br, nonsense' },
      { 'transfer-encoding': 'chunked' },
      { accept: 'text/html' },
      { accept: 'nonsense/;q=x' },
      { 'accept-encoding': 'br;q=0, *;q=x' },
      { range: 'bytes=0-1' },
      { 'x-http-method-override': 'DELETE' },
      { 'x-forwarded-for': 'nonsense, ::::' },
      { 'x-forwarded-proto': 'javascript' },
      { forwarded: 'for="' },
      { 'x-request-id': 'x'.repeat(3_000) },
      { 'user-agent': '' },
      { 'user-agent': 'ü'.repeat(3_000) },
      { 'accept-language': '*'.repeat(2_000) },
      { cookie: 'a; =; ;;; b=%E0%A4%A; c="' },
      { cookie: Array.from({ length: 300 }, (_, index) => `c${index}=1`).join('; ') },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.constantFrom('origin', 'user-agent', 'cookie', 'accept-language', 'x-forwarded-for', 'referer'),
      headerText(200),
      { maxKeys: 3 },
    ),
  },
);

const pick = (list: readonly string[], index: number): string | undefined => list.at(index % list.length);

/** A token of the pool, or one that only looks real. */
function tokenFrom(list: (pool: Pool) => readonly string[], secret: string): fc.Arbitrary<Part> {
  const index = fc.nat(10_000);
  const claim = fc.oneof(
    fc.constantFrom(
      'sub',
      'sid',
      'gen',
      'exp',
      'iat',
      'abs',
      'jti',
      'trn',
      'sec',
      'roles',
      'ver',
      'aud',
      'iss',
    ),
    oddName,
  );
  const header = fc.constantFrom('alg', 'kid', 'typ', 'crit', 'jwk', 'jku', 'b64', 'zip');
  const change = (part: 'claims' | 'header', name: fc.Arbitrary<string>): fc.Arbitrary<Part> =>
    fc.tuple(index, name, oddValue).map(([at, key, value]) => (pool) => {
      const token = pick(list(pool), at);
      return token && resign(token, secret, { [part]: { [key]: value } });
    });
  return fc.oneof(
    { weight: 8, arbitrary: index.map<Part>((at) => (pool) => pick(list(pool), at)) },
    { weight: 2, arbitrary: change('claims', claim) },
    { weight: 1, arbitrary: change('header', header).map((part) => orNothing(part)) },
    {
      weight: 1,
      arbitrary: fc.tuple(index, fc.nat(400)).map<Part>(([at, cut]) => (pool) => {
        return pick(list(pool), at)?.slice(0, cut);
      }),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(oddValue, oddValue).map<Part>(([head, payload]) => () => {
        return signInput(`${encode(head ?? {})}.${encode(payload ?? null)}`, secret);
      }),
    },
    { weight: 1, arbitrary: headerText(80).map<Part>((text) => () => text) },
  );
}

/** The helper refuses to sign with an unknown algorithm; such a token is left out. */
function orNothing(part: Part): Part {
  return (pool) => {
    try {
      return part(pool);
    } catch {
      return undefined;
    }
  };
}

/** Mostly a value that the schema allows; a known user's where possible. */
function valueOf(name: string, schema: Schema): fc.Arbitrary<(pool: Pool) => unknown> {
  const known: Record<string, (pool: Pool, index: number) => unknown> = {
    email: ({ emails }, index) =>
      index % 3 === 0 ? `fuzz.${randomBytes(6).toString('hex')}@example.com` : pick(emails, index),
    password: ({ password }) => password,
    currentPassword: ({ password }) => password,
    newPassword: ({ password }) => password,
    refreshToken: ({ refreshTokens }, index) => pick(refreshTokens, index),
    token: ({ accessTokens, refreshTokens }, index) => pick(index % 2 ? accessTokens : refreshTokens, index),
    token_type_hint: (_, index) => ['access_token', 'refresh_token', 'nonsense'][index % 3],
    client_id: () => CLIENT.id,
    client_secret: () => CLIENT.secret,
    attempt: newAttempt,
    previous: newAttempt,
    relay: (_, index) => index % 2 === 0,
    roles: (_, index) => [['user'], ['user', 'editor'], []][index % 3],
  };
  const real = known[name];
  const random: fc.Arbitrary<(pool: Pool) => unknown> = schema.enum
    ? fc.constantFrom(...schema.enum).map((value) => () => value)
    : fc
        .string({
          unit: 'grapheme',
          minLength: schema.minLength ?? 0,
          maxLength: Math.min(schema.maxLength ?? 60, 60),
        })
        .map((text) => () => text);
  if (!real) return random;
  return fc.oneof(
    { weight: 6, arbitrary: fc.nat(10_000).map((index) => (pool: Pool) => real(pool, index)) },
    { weight: 1, arbitrary: random },
  );
}

function bodyFrom(schema: Schema): fc.Arbitrary<(pool: Pool) => unknown> {
  const fields = Object.entries(schema.properties ?? {});
  const model = Object.fromEntries(fields.map(([name, field]) => [name, valueOf(name, field)]));
  const sound = fc
    .record(model, { requiredKeys: schema.required ?? [] })
    .map(
      (made) => (pool: Pool) =>
        Object.fromEntries(Object.entries(made).map(([name, value]) => [name, value?.(pool)])),
    );
  const names = fields.map(([name]) => name);
  const hostile = fc
    .tuple(sound, fc.oneof(fc.constantFrom(...names), oddName), fc.oneof(oddValue, fc.constant(undefined)))
    .map(([make, name, value]) => (pool: Pool) => {
      const body = make(pool);
      // As JSON.parse does it: an own property, whatever its name.
      Object.defineProperty(body, name, { value, enumerable: true, configurable: true, writable: true });
      return body;
    });
  return fc.oneof({ weight: 3, arbitrary: sound }, { weight: 3, arbitrary: hostile });
}

interface Sent {
  readonly raw?: string | Buffer;
  readonly json?: { readonly value: unknown };
}

/** GET requests get none: a body has no meaning there (RFC 9110 §9.3.1), and no document describes one. */
function sentBody({ method, operation }: Documented, schemas: Record<string, Schema>) {
  const none: fc.Arbitrary<(pool: Pool) => Sent> = fc.constant(() => ({}));
  if (method === 'GET') return none;
  const odd = fc
    .oneof(
      oddBody,
      oddValue.map((value) => JSON.stringify(value) ?? ''),
    )
    .map((raw) => (): Sent => ({ raw }));
  const content = operation.requestBody?.content;
  const sent: Schema | undefined = content && bodySchema(content);
  const schema = schemas[sent?.$ref?.split('/').at(-1) ?? ''];
  if (content && schema && 'application/x-www-form-urlencoded' in content) return sentForm(schema);
  if (!schema) return fc.oneof({ weight: 4, arbitrary: none }, { weight: 1, arbitrary: odd });
  const documented = bodyFrom(schema).map((make) => (pool: Pool): Sent => {
    const value = JSON.stringify(make(pool));
    return { raw: value, json: { value: JSON.parse(value) as unknown } };
  });
  return fc.oneof(
    { weight: 8, arbitrary: documented },
    { weight: 2, arbitrary: odd },
    { weight: operation.requestBody?.required ? 1 : 6, arbitrary: none },
  );
}

/** A form, from valid to one with repeated, odd and nested names. */
function sentForm(schema: Schema): fc.Arbitrary<(pool: Pool) => Sent> {
  const encoded = (body: object): Sent => ({
    raw: Object.entries(body)
      .flatMap(([name, value]: [string, unknown]) => [value].flat().map((one) => [name, one] as const))
      .map(([name, value]) => `${formEncoded(name)}=${formEncoded(textOf(value))}`)
      .join('&'),
  });
  const odd = fc
    .oneof(
      oddBody,
      fc.constantFrom('token=%', 'token=%ff&token_type_hint=%00', 'token[$ne]=1', '&&=&', 'token'),
    )
    .map((raw) => (): Sent => ({ raw }));
  return fc.oneof(
    { weight: 8, arbitrary: bodyFrom(schema).map((make) => (pool: Pool) => encoded(make(pool) as object)) },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: fc.constant(() => ({})) },
  );
}

/** Some objects cannot be converted to a string. */
function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function formEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const oddPathPart = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => encodeURIComponent(text)),
  fc.constantFrom('%00', '%2F', '%2e%2e', '..', '.', '$ne', '[object Object]'.replaceAll(' ', '%20')),
  fc.constantFrom(
    '0',
    'null',
    '{id}',
    'a'.repeat(24),
    '0'.repeat(24),
    'x'.repeat(3_000),
    '__proto__',
    ';',
    '@',
    ':id',
  ),
);
const oddQuery = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '?',
      '?access_token=x',
      '?a[b][c]=1&a=2',
      '?%',
      '?__proto__[x]=1',
      '?id[$ne]=1',
    ),
  },
);

/** Requests for one operation of the document, from valid to hostile. */
function requestFor(
  operation: Documented,
  schemas: Record<string, Schema>,
): fc.Arbitrary<(pool: Pool) => FuzzedRequest> {
  const isAdmin = operation.path.includes('/admin/');
  const bearer = fc.oneof(
    {
      weight: 8,
      arbitrary: tokenFrom((pool) => (isAdmin ? pool.adminTokens : pool.accessTokens), ACCESS_SECRET).map(
        prefixed('Bearer '),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('Bearer', 'Bearer ', 'bearer a b', 'Basic eDp5')
        .map<Part>((text) => () => text),
    },
    { weight: 2, arbitrary: fc.constant<Part>(() => undefined) },
  );
  const cookie = fc.oneof(
    {
      weight: 3,
      arbitrary: tokenFrom((pool) => pool.refreshTokens, REFRESH_SECRET).map(prefixed('refresh_token=')),
    },
    { weight: 3, arbitrary: fc.constant<Part>(() => undefined) },
  );
  const isForm = 'application/x-www-form-urlencoded' in (operation.operation.requestBody?.content ?? {});
  const plainType = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const basic = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
  const client = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Part>(() => undefined) },
    { weight: 4, arbitrary: fc.constant<Part>(() => basic) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('Basic', 'Basic !', 'Basic Og==', 'Basic JTo=', 'Basic JTolOg==', 'basic', 'Bearer x')
        .map<Part>((text) => () => text),
    },
    { weight: 1, arbitrary: headerText(60).map<Part>((text) => () => `Basic ${text}`) },
  );
  const contentType = fc.oneof(
    { weight: 9, arbitrary: fc.constant(plainType) },
    { weight: 1, arbitrary: oddContentType },
  );
  const id = fc.oneof(
    fc.constant<Part>(() => undefined),
    fc.nat(10_000).map<Part>(
      (index) =>
        ({ sessionIds, userIds }) =>
          pick(isAdmin ? userIds : sessionIds, index),
    ),
    oddPathPart.map<Part>((text) => () => text),
  );
  return fc
    .record({
      bearer: isForm ? client : bearer,
      cookie,
      contentType,
      id,
      query: oddQuery,
      odd: oddHeaders,
      body: sentBody(operation, schemas),
    })
    .map((made) => (pool) => {
      const { raw, json } = made.body(pool);
      const authorization = made.bearer(pool);
      const cookieHeader = made.cookie(pool);
      const headers: Record<string, string> = {
        ...(authorization === undefined ? {} : { authorization }),
        ...(cookieHeader === undefined ? {} : { cookie: cookieHeader }),
        ...(raw === undefined ? {} : { 'content-type': made.contentType }),
        ...made.odd,
      };
      const path =
        operation.path.replace(
          '{id}',
          () => made.id(pool) ?? (isAdmin ? (pool.userIds[0] ?? '0') : sessionOf(authorization)),
        ) + made.query;
      const isPlain = made.contentType === 'application/json' && !('content-encoding' in made.odd);
      return { operation, path, call: { raw, headers }, ...(isPlain && json ? { json } : {}) };
    });
}

/** The session of the bearer token. */
function sessionOf(authorization = ''): string {
  const payload = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString();
  return /"sid":"([0-9a-f]{24})"/.exec(payload)?.[1] ?? '0';
}

const prefixed =
  (prefix: string) =>
  (part: Part): Part =>
  (pool) => {
    const text = part(pool);
    // Node itself refuses headers of over 16 kB (431), before any application code runs.
    const sent = text?.slice(0, 5_000).replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?');
    return sent === undefined ? undefined : `${prefix}${sent}`;
  };

/** Several requests at once, for any operations of the document. */
export function requestBatches(
  operations: readonly Documented[],
  schemas: Record<string, object>,
  size: number,
): fc.Arbitrary<((pool: Pool) => FuzzedRequest)[]> {
  const any = fc.oneof(
    ...operations.map((operation) => requestFor(operation, schemas as Record<string, Schema>)),
  );
  return fc.array(any, { minLength: size, maxLength: size });
}
