// better-auth on Express, in one of its modes:
//   session         the expiry slides at each use; the token stays
//   cookie-cache    the session is in a signed cookie for five minutes
//   jwt             the session is exchanged for a JWT, which the guard verifies
//   oauth-provider  refresh tokens by the OAuth 2.1 plugin, opaque access tokens
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { mongodbAdapter } from 'better-auth/adapters/mongodb';
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import express from 'express';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { MongoClient } from 'mongodb';

const { MODE, MONGODB_URI, PORT, REUSE_INTERVAL = '0' } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;
const REDIRECT_URI = 'https://app.example.com/callback';
const CLIENT_ID = 'bench-client';
const SCOPE = 'openid offline_access';

const client = await new MongoClient(MONGODB_URI).connect();

// Sign-ins are preparation, and are not measured.
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const cheapPassword = {
  hash: async (password) => sha256(password),
  verify: async ({ hash, password }) => timingSafeEqual(Buffer.from(hash), Buffer.from(sha256(password))),
};

const plugins = {
  jwt: () => [jwt()],
  'oauth-provider': () => [
    jwt(),
    oauthProvider({
      loginPage: '/sign-in',
      consentPage: '/consent',
      generateClientId: () => CLIENT_ID,
      refreshTokenReuseInterval: Number(REUSE_INTERVAL),
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
};

const auth = betterAuth({
  baseURL: ORIGIN,
  secret: randomBytes(32).toString('base64url'),
  database: mongodbAdapter(client.db()),
  emailAndPassword: { enabled: true, password: cheapPassword },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  trustedOrigins: ['https://app.example.com'],
  session: {
    ...(MODE === 'session' ? { updateAge: 0 } : {}),
    ...(MODE === 'cookie-cache' ? { cookieCache: { enabled: true, maxAge: 300 } } : {}),
  },
  plugins: plugins[MODE]?.() ?? [],
});

async function signUp() {
  const body = {
    email: `${randomUUID()}@example.com`,
    password: 'seven-Otters-cross-the-river',
    name: 'Bench',
  };
  const response = await call('/api/auth/sign-up/email', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: ORIGIN },
    body: JSON.stringify(body),
  });
  return response.headers.getSetCookie();
}

function cookieOf(lines) {
  return lines.map((line) => line.split(';', 1)[0]).join('; ');
}

/** The code flow with PKCE, as a browser and its application would do it. */
async function authorize() {
  const cookie = cookieOf(await signUp());
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: randomUUID(),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const redirect = await auth.handler(
    new Request(`${ORIGIN}/api/auth/oauth2/authorize?${query}`, { headers: { cookie } }),
  );
  const code = new URL(redirect.headers.get('location') ?? ORIGIN, ORIGIN).searchParams.get('code');
  if (!code) throw new Error(`no code: ${redirect.status} ${redirect.headers.get('location') ?? ''}`);
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, client_id: CLIENT_ID };
  const response = await call('/api/auth/oauth2/token', {
    method: 'POST',
    body: new URLSearchParams({ ...form, code_verifier: verifier }),
  });
  return response.json();
}

async function call(path, init) {
  const response = await auth.handler(new Request(ORIGIN + path, init));
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response;
}

/** Whether a request may pass, by mode. */
const guards = {
  async jwt({ headers }) {
    keys ??= createLocalJWKSet(await auth.api.getJwks());
    await jwtVerify(headers.authorization?.slice('Bearer '.length) ?? '', keys, { issuer: ORIGIN });
    return true;
  },
  async 'oauth-provider'({ headers: { authorization = '' } }) {
    const request = new Request(`${ORIGIN}/api/auth/oauth2/userinfo`, { headers: { authorization } });
    return (await auth.handler(request)).ok;
  },
};
let keys;
const byCookie = async ({ headers }) =>
  (await auth.api.getSession({ headers: fromNodeHeaders(headers) })) !== null;
const mayPass = guards[MODE] ?? byCookie;

if (MODE === 'oauth-provider')
  await auth.api.adminCreateOAuthClient({
    headers: new Headers({ cookie: cookieOf(await signUp()) }),
    body: {
      client_name: 'Bench',
      redirect_uris: [REDIRECT_URI],
      scope: SCOPE,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      skip_consent: true,
    },
  });

const app = express();
app.get('/orders/open', (_, response) => response.json({ ok: true }));
app.get('/orders/guarded', async (request, response) => {
  const isLetIn = await mayPass(request).catch(() => false);
  response.status(isLetIn ? 200 : 401).json(isLetIn ? { ok: true } : { error: 'unauthorized' });
});
app.post('/sign-in', async (_, response) => {
  if (MODE === 'oauth-provider') response.json(await authorize());
  else response.set('set-cookie', await signUp()).json({ ok: true });
});
app.all('/api/auth/{*path}', toNodeHandler(auth));

app.listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
