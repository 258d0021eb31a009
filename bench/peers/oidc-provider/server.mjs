// oidc-provider with a plain MongoDB adapter. ACCESS_TOKENS is `opaque` or `jwt`.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import { MongoClient } from 'mongodb';
import Provider from 'oidc-provider';

const { ACCESS_TOKENS, MONGODB_URI, PORT } = process.env;
const ISSUER = `http://127.0.0.1:${PORT}`;
const RESOURCE = 'https://api.example.com';
const isJwt = ACCESS_TOKENS === 'jwt';
const SCOPE = isJwt ? 'orders offline_access' : 'openid offline_access';

const client = await new MongoClient(MONGODB_URI).connect();
const db = client.db();
for (const name of ['AccessToken', 'RefreshToken'])
  await db.collection(name).createIndex({ 'payload.grantId': 1 });

/** One collection for each model, the id of a token as `_id`. */
class MongoAdapter {
  constructor(name) {
    this.models = db.collection(name);
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = new Date(Date.now() + expiresIn * 1000);
    await this.models.updateOne({ _id: id }, { $set: { payload, expiresAt } }, { upsert: true });
  }

  async find(id) {
    const found = await this.models.findOne({ _id: id });
    return found?.payload;
  }

  async findByUid(uid) {
    const found = await this.models.findOne({ 'payload.uid': uid });
    return found?.payload;
  }

  async consume(id) {
    const consumed = Math.floor(Date.now() / 1000);
    await this.models.updateOne({ _id: id }, { $set: { 'payload.consumed': consumed } });
  }

  async destroy(id) {
    await this.models.deleteOne({ _id: id });
  }

  async revokeByGrantId(grantId) {
    await this.models.deleteMany({ 'payload.grantId': grantId });
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' };

const provider = new Provider(ISSUER, {
  adapter: MongoAdapter,
  clients: [
    {
      client_id: 'bench-client',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['https://app.example.com/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  jwks: { keys: [key] },
  scopes: ['openid', 'offline_access', 'orders'],
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  ttl: { AccessToken: 900, RefreshToken: 7 * 86_400, Grant: 14 * 86_400, IdToken: 900 },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: isJwt,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'orders',
        audience: RESOURCE,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 900,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
const { d: _, ...publicKey } = key;
const keys = createLocalJWKSet({ keys: [publicKey] });

/** What the code flow would leave: a grant, a refresh token and, from it, the first access token. */
async function signIn() {
  const accountId = randomUUID();
  const grant = new provider.Grant({ accountId, clientId: 'bench-client' });
  grant.addOIDCScope(isJwt ? 'offline_access' : SCOPE);
  if (isJwt) grant.addResourceScope(RESOURCE, 'orders');
  const refreshToken = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find('bench-client'),
    grantId: await grant.save(),
    gty: 'authorization_code',
    scope: SCOPE,
    ...(isJwt ? { resource: RESOURCE } : {}),
  });
  const form = {
    grant_type: 'refresh_token',
    client_id: 'bench-client',
    refresh_token: await refreshToken.save(),
  };
  const response = await fetch(`${ISSUER}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}

async function isLetIn({ authorization = '' }) {
  try {
    await jwtVerify(authorization.slice('Bearer '.length), keys, { issuer: ISSUER, audience: RESOURCE });
    return true;
  } catch {
    return false;
  }
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/sign-in') {
    const { status, body } = await signIn();
    ctx.status = status;
    ctx.body = body;
  } else if (ctx.path === '/orders/open') ctx.body = { ok: true };
  else if (isJwt && ctx.path === '/orders/guarded') {
    const passes = await isLetIn(ctx.headers);
    ctx.status = passes ? 200 : 401;
    ctx.body = passes ? { ok: true } : { error: 'unauthorized' };
  } else await next();
});

provider.listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
