// A session cookie, and a new id at each refresh.
import { randomBytes, randomUUID } from 'node:crypto';
import MongoStore from 'connect-mongo';
import express from 'express';
import session from 'express-session';
import { MongoClient } from 'mongodb';

const { MONGODB_URI, PORT } = process.env;
const WEEK_MS = 7 * 86_400_000;
const DAY_SECONDS = 86_400;

const client = await new MongoClient(MONGODB_URI).connect();
const app = express();

app.get('/orders/open', (_, response) => response.json({ ok: true }));
app.use(
  session({
    secret: randomBytes(32).toString('base64url'),
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: WEEK_MS },
    store: MongoStore.create({ client, touchAfter: DAY_SECONDS }),
  }),
);

const signedIn = (request, response, next) =>
  request.session.userId ? next() : response.status(401).json({ error: 'unauthorized' });

app.post('/sign-in', (request, response) => {
  request.session.userId = randomUUID();
  response.json({ ok: true });
});

app.post('/refresh', signedIn, (request, response, next) => {
  const { userId } = request.session;
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.userId = userId;
    response.json({ ok: true });
  });
});

app.post('/logout', signedIn, (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.json({ ok: true })));
});

app.get('/orders/guarded', signedIn, (_, response) => response.json({ ok: true }));

app.listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
