import { afterEach, describe, expect, it } from '@jest/globals';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { mergeAuthDocument, openApiDocument } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';

let host: HostApp | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

const OPTIONS = {
  introspectionClients: [{ id: 'a', secret: 'b' }],
  refreshToken: { allowBodyTransport: true },
  mailer: { send: async () => undefined },
};
const hostDocument = (openapi: string) => ({
  openapi,
  info: { title: 'Shop', version: '1' },
  paths: { '/orders': { get: { responses: { 200: { description: 'Orders.' } } } } },
  tags: [{ name: 'Sessions' }],
  components: {
    schemas: { Session: { type: 'object' }, Error: { type: 'string' } },
    securitySchemes: { accessToken: { type: 'http', scheme: 'basic' } },
  },
});

async function problemsOf(document: object): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  return valid ? null : errors;
}

/** References whose target is missing. */
function missingRefs(document: object): string[] {
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  const { schemas } = (document as { components: { schemas: object } }).components;
  return refs.filter((name) => !Object.hasOwn(schemas, name));
}

describe(mergeAuthDocument.name, () => {
  it.each(['3.0.0', '3.1.0'])(
    "produces a valid OpenAPI %s document, and keeps the host's content",
    async (openapi) => {
      const given = hostDocument(openapi);
      const merged = mergeAuthDocument(given, { ...OPTIONS, globalPrefix: '/api/' });
      expect(await problemsOf(merged)).toBeNull();
      expect(missingRefs(merged)).toEqual([]);
      expect(merged.openapi).toBe(openapi);
      expect(merged.components.schemas.Session).toEqual({ type: 'object' });
      expect(merged.components.schemas).toHaveProperty('AuthSession');
      expect(merged.components.securitySchemes).toMatchObject({
        accessToken: { scheme: 'basic' },
        AuthaccessToken: { scheme: 'bearer' },
      });
      expect(merged.tags.filter(({ name }) => name === 'Sessions')).toHaveLength(1);
      const paths = Object.keys(merged.paths);
      expect(paths).toEqual(expect.arrayContaining(['/orders', '/api/auth/login', '/.well-known/jwks.json']));
      expect(given).toEqual(hostDocument(openapi));
    },
  );

  it('needs no prefix if the servers have it', () => {
    const { paths } = mergeAuthDocument(hostDocument('3.1.0'));
    expect(Object.keys(paths)).toEqual(['/orders', ...Object.keys(openApiDocument().paths)]);
  });
});

describe.each(ADAPTERS)('the document of a host with @nestjs/swagger (%s)', (adapter) => {
  it('has each route once, under the prefix', async () => {
    host = await HostApp.start(adapter);
    host.app.setGlobalPrefix('api');
    const document = SwaggerModule.createDocument(host.app, new DocumentBuilder().build());
    expect(Object.keys(document.paths).filter((path) => path.includes('auth'))).toEqual([]);
    const merged = mergeAuthDocument(document, { globalPrefix: 'api' });
    expect(await problemsOf(merged)).toBeNull();
    expect(missingRefs(merged)).toEqual([]);
    expect(Object.keys(merged.paths).filter((path) => path.endsWith('/login'))).toEqual(['/api/auth/login']);
  });
});
