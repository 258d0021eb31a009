import { describe, expect, it, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { cookieName } from '../../src/http/refresh-cookie.js';
import { AUTH_ERRORS, openApiDocument } from '../../src/index.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { DocumentedApi } from '../support/documented-api.js';
import { authOptions } from '../support/host-app.js';
import { Answer } from '../support/http.js';

const MAILER = { send: async () => {} };

const schemaOf = (document: ReturnType<typeof openApiDocument>, name: string) =>
  document.components.schemas[name] ?? {};

describe(openApiDocument.name, () => {
  test.each<[string, Parameters<typeof openApiDocument>[0]]>([
    ['without options', undefined],
    ['with the options of a module', authOptions()],
    ['with services that introspect', { introspectionClients: [{ id: 'gateway', secret: 'x' }] }],
    ['without the body transport', { refreshToken: { allowBodyTransport: false } }],
    ['with mail', { mailer: MAILER }],
    ['with addresses that are verified', { mailer: MAILER, emailVerification: 'required' }],
    ['at the root', { routePrefix: '', serverUrl: 'https://api.example.com/v1', version: '2.1.0' }],
  ])('is valid OpenAPI 3.1 %s', async (_, options) => {
    const document = openApiDocument(options);
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // Its schemas are JSON Schema 2020-12 without an unknown keyword, and every reference resolves.
    expect(() => new DocumentedApi(document).promised).not.toThrow();
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(new Set(references)).toEqual(new Set(Object.keys(document.components.schemas)));
  });

  it("assumes the module's defaults", () => {
    const { cookie, allowBodyTransport } = resolveOptions({
      issuer: 'https://issuer.example.com',
      keys: authOptions().keys,
    }).refreshToken;
    const { password } = resolveOptions(authOptions({ password: {} }));
    const document = openApiDocument();
    expect(document.components.securitySchemes.refreshCookie?.name).toBe(cookieName('refresh_token', cookie));
    expect(schemaOf(document, 'RegisterRequest').properties).toMatchObject({
      transport: { enum: allowBodyTransport ? ['cookie', 'body', null] : ['cookie', null] },
      password: { minLength: password.minLength, maxLength: password.maxLength },
    });
  });

  test.each([
    [{ secure: false }, 'refresh_token'],
    [{}, '__Host-refresh_token'],
    [{ domain: 'example.com' }, '__Secure-refresh_token'],
    [{ path: '/auth' }, '__Secure-refresh_token'],
  ])('names the cookie of %j', (cookie, name) => {
    const document = openApiDocument({ refreshToken: { cookie } });
    expect(document.components.securitySchemes.refreshCookie?.name).toBe(name);
    const header = document.paths['/auth/login']?.post?.responses['200']?.headers['Set-Cookie'];
    expect(header?.schema.pattern).toContain(`${name}=`);
  });

  it('mentions no refresh token in a body if the body transport is off', () => {
    const properties = schemaOf(openApiDocument(), 'TokenAnswer').properties ?? {};
    expect(Object.keys(properties)).not.toContain('refreshToken');
    const both = schemaOf(
      openApiDocument({ refreshToken: { allowBodyTransport: true } }),
      'TokenAnswer',
    ).properties;
    expect(Object.keys(both ?? {})).toContain('refreshToken');
  });

  it.each(['auth', '/auth/', 'v1/account', '', '/'])('puts the routes under the prefix %j', (routePrefix) => {
    const prefix = routePrefix.split('/').filter(Boolean).join('/');
    const paths = Object.keys(openApiDocument({ routePrefix }).paths);
    expect(paths).toContain(`${prefix && `/${prefix}`}/sessions/{id}`);
    expect(paths).toContain('/.well-known/jwks.json');
    for (const path of paths) expect(path).toMatch(/^\/[^/]/);
  });

  it('contains every error code on at least one route', () => {
    const document = openApiDocument();
    expect(schemaOf(document, 'ErrorCode').enum).toEqual(Object.keys(AUTH_ERRORS));
    const documents = (['off', 'required'] as const).map((emailVerification) =>
      openApiDocument({ mailer: MAILER, emailVerification }),
    );
    const promised = documents.flatMap((each) => new DocumentedApi(each).promised);
    const said = promised.map((promise) => promise.split(' ')[2]);
    const unsaid = Object.keys(AUTH_ERRORS).filter((code) => !said.includes(code));
    // Only sockets use it.
    expect(unsaid).toEqual(['TICKET_INVALID']);
  });

  it('has routes for mailed links if there is a mailer, and hides taken addresses if addresses are verified', () => {
    const paths = (options: Parameters<typeof openApiDocument>[0]) => openApiDocument(options).paths;
    expect(Object.keys(paths({}))).not.toContain('/auth/reset-password');
    expect(Object.keys(paths({ mailer: MAILER }))).toContain('/auth/reset-password');
    const { post } = paths({ mailer: MAILER, emailVerification: 'required' })['/auth/register'] ?? {};
    expect(Object.keys(post?.responses ?? {})).toEqual(expect.arrayContaining(['202', '400']));
    expect(Object.keys(post?.responses ?? {})).not.toEqual(expect.arrayContaining(['201']));
    expect(JSON.stringify(post)).not.toContain('EMAIL_TAKEN');
  });

  it('has examples that match its schemas', () => {
    const documented = new DocumentedApi(openApiDocument());
    let examples = 0;
    for (const { id, operation } of documented.operations)
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const example = content?.['application/json'].example;
        if (example === undefined) continue;
        const answer = new Answer(Number(status), {}, JSON.stringify(example));
        const problems = documented.problems(id, answer).filter((problem) => problem.startsWith('body:'));
        expect({ id, status, problems }).toEqual({ id, status, problems: [] });
        examples += 1;
      }
    expect(examples).toBeGreaterThan(40);
  });

  it('is a new object for each caller, who may change it', () => {
    const first = openApiDocument();
    first.paths = {};
    schemaOf(first, 'Error').required?.push('surprise');
    expect(schemaOf(openApiDocument(), 'Error').required).not.toContain('surprise');
    expect(openApiDocument().paths).not.toEqual({});
  });
});
