// The least that rotates: one conditional update, and @fastify/jwt as the guard.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import jwt from '@fastify/jwt';
import Fastify from 'fastify';
import { MongoClient } from 'mongodb';

const { MONGODB_URI, PORT } = process.env;
const WEEK_MS = 7 * 86_400_000;

const client = await new MongoClient(MONGODB_URI).connect();
const sessions = client.db().collection('sessions');
await sessions.createIndex({ tokenHash: 1 }, { unique: true });

const hash = (token) => createHash('sha256').update(token).digest('base64url');
const newToken = () => randomBytes(32).toString('base64url');
const inAWeek = () => new Date(Date.now() + WEEK_MS);

const app = Fastify();
await app.register(jwt, { secret: newToken() });

function grant(userId, refreshToken) {
  return { accessToken: app.jwt.sign({ sub: userId }, { expiresIn: '15m' }), refreshToken };
}

app.post('/sign-in', async () => {
  const [userId, refreshToken] = [randomUUID(), newToken()];
  await sessions.insertOne({ userId, tokenHash: hash(refreshToken), expiresAt: inAWeek() });
  return grant(userId, refreshToken);
});

app.post('/refresh', async (request, reply) => {
  const next = newToken();
  const session = await sessions.findOneAndUpdate(
    { tokenHash: hash(request.body.refreshToken), expiresAt: { $gt: new Date() } },
    { $set: { tokenHash: hash(next), expiresAt: inAWeek() } },
  );
  return session ? grant(session.userId, next) : reply.code(401).send({ error: 'unauthorized' });
});

app.get('/orders/guarded', { onRequest: (request) => request.jwtVerify() }, async () => ({ ok: true }));
app.get('/orders/open', async () => ({ ok: true }));

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
console.log('listening');
