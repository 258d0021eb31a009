import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastifyJwt from '@fastify/jwt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import buildGetJwks from 'get-jwks';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { passportJwtSecret } from 'jwks-rsa';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { Passport } from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { newKey } from '../support/foreign-tokens.js';
import { freePort } from '../support/free-port.js';
import { newSession } from '../support/http.js';
import { AUDIENCE, CLIENT, INTROSPECTION_CLIENTS, Service } from '../support/service.js';

/** Resolves with the user's id, or rejects. */
type Verify = (token: string) => Promise<unknown>;

/** The input of each verifier: the issuer and the algorithm; the audience is fixed. */
interface VerifierInput {
  readonly issuer: string;
  readonly alg: string;
}

const jwksUri = (issuer: string) => `${issuer}/.well-known/jwks.json`;

const VERIFIERS: Record<string, (input: VerifierInput) => Promise<Verify>> = {
  async jose({ issuer }) {
    const keys = createRemoteJWKSet(new URL(jwksUri(issuer)));
    const expected = { issuer, audience: AUDIENCE, typ: 'at+jwt' };
    return async (token) => (await jwtVerify(token, keys, expected)).payload.sub;
  },
  async oauth4webapi({ issuer }) {
    const url = new URL(issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const answer = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(url, answer);
    return async (token) => {
      const request = new Request('https://api.example.com/', {
        headers: { authorization: `Bearer ${token}` },
      });
      return (await oauth.validateJwtAccessToken(server, request, AUDIENCE, insecure)).sub;
    };
  },
  async 'openid-client'({ issuer }) {
    const configuration = await openid.discovery(new URL(issuer), CLIENT.id, CLIENT.secret, undefined, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
    return async (token) => {
      const { active, sub } = await openid.tokenIntrospection(configuration, token);
      if (!active) throw new Error('the token is not active');
      return sub;
    };
  },
  async 'passport-jwt with jwks-rsa'({ issuer, alg }) {
    const passport = new Passport();
    const options = {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: passportJwtSecret({ jwksUri: jwksUri(issuer), cache: true }),
      issuer,
      audience: AUDIENCE,
      algorithms: [alg as 'ES256'],
    };
    passport.use(
      new Strategy(options, (claims: { sub: string }, done: (error: null, user: object) => void) =>
        done(null, { id: claims.sub }),
      ),
    );
    return (token) =>
      new Promise((resolve, reject) => {
        const middleware = passport.authenticate(
          'jwt',
          { session: false },
          (error: Error | null, user: { id: string } | false, info: Error) =>
            user ? resolve(user.id) : reject(error ?? info),
        ) as (request: object, response: object, next: (error: Error) => void) => void;
        middleware({ headers: { authorization: `Bearer ${token}` } }, {}, reject);
      });
  },
  async '@fastify/jwt with get-jwks'({ issuer, alg }) {
    const keys = buildGetJwks({ jwksPath: '/.well-known/jwks.json' });
    const app = fastify();
    await app.register(fastifyJwt, {
      decode: { complete: true },
      secret: (_request: unknown, token: object) => {
        const { header } = token as { header: { kid: string; alg: string } };
        return keys.getPublicKey({ ...header, domain: issuer });
      },
      verify: { allowedIss: issuer, allowedAud: AUDIENCE, algorithms: [alg as 'ES256'] },
    });
    app.get('/', async (request) => (await request.jwtVerify<{ sub: string }>()).sub);
    return async (token) => {
      const answer = await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } });
      if (answer.statusCode !== 200) throw new Error(answer.body);
      return answer.body;
    };
  },
};

describe.each(['ES256', 'RS256'])('tokens of the service, signed with %s', (alg) => {
  let folder: string;
  let service: Service;
  let input: VerifierInput;
  let session: Awaited<ReturnType<typeof newSession>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'silent-auth-keys-'));
    const file = join(folder, 'access.json');
    await writeFile(file, JSON.stringify({ keys: [newKey('key-1', alg)] }));
    const port = await freePort();
    service = await Service.start({
      PORT: String(port),
      // Discovery compares it with the requested URL.
      ISSUER: `http://127.0.0.1:${port}`,
      JWT_ACCESS_KEYS: `file:${file}`,
      INTROSPECTION_CLIENTS,
    });
    input = { issuer: service.origin, alg };
    session = await newSession(service.api());
  });
  afterAll(async () => {
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(VERIFIERS))('%s accepts them, and no others', async (name) => {
    const verify = await VERIFIERS[name]!(input);
    expect(await verify(session.accessToken)).toBe(session.userId);
    const [header, , signature] = session.accessToken.split('.');
    const claims = Buffer.from(JSON.stringify({ sub: 'root', iss: input.issuer, aud: AUDIENCE }));
    await expect(verify(`${header}.${claims.toString('base64url')}.${signature}`)).rejects.toThrow();
    await expect(verify(session.refreshToken)).rejects.toThrow();
  });
});
