// accounts-js as its documentation sets it up: REST on Express, MongoDB, passwords.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import mongo from '@accounts/mongo';
import password from '@accounts/password';
import rest from '@accounts/rest-express';
import server from '@accounts/server';
import express from 'express';
import mongodb from 'mongodb';

const { MONGODB_URI, PORT } = process.env;
const PASSWORD = 'seven-Otters-cross-the-river';

const client = await new mongodb.MongoClient(MONGODB_URI).connect();
const db = new mongo.Mongo(client.db());
// Its own `setupIndexes` asks for sparse ones, which the embedded database does not have.
await client.db().collection('sessions').createIndex({ token: 1 }, { unique: true });

// Sign-ins are preparation, and are not measured.
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const passwords = new password.AccountsPassword({
  hashPassword: async (text) => sha256(text),
  verifyPassword: async (text, hash) => sha256(text) === hash,
});
const accounts = new server.AccountsServer(
  { db, tokenSecret: randomBytes(32).toString('base64url') },
  { password: passwords },
);

const app = express();
app.use(express.json());
app.post('/sign-in', async (_, response, next) => {
  try {
    const email = `${randomUUID()}@example.com`;
    await passwords.createUser({ email, password: PASSWORD });
    const params = { user: { email }, password: PASSWORD };
    const { tokens } = await accounts.loginWithService('password', params, {
      ip: '127.0.0.1',
      userAgent: 'bench',
    });
    response.json(tokens);
  } catch (error) {
    next(error);
  }
});
app.get('/orders/open', (_, response) => response.json({ ok: true }));
app.get('/orders/guarded', rest.userLoader(accounts), (request, response) => {
  if (request.userId) response.json({ ok: true });
  else response.status(401).json({ error: 'unauthorized' });
});
app.use(rest.default(accounts));

app.listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
