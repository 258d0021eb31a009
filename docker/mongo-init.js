// Run by mongosh at every start; each step may be repeated.
// eslint-disable-next-line @typescript-eslint/no-require-imports -- mongosh does not run ES modules
const { readFileSync } = require('node:fs');

const MEMBER = 'mongo:27017';
const APP = 'silent-auth';
const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();
// The service's connection string contains the password that it will use.
const [, appPassword] = /^mongodb:\/\/[^:@]+:([^@]+)@/.exec(secret('mongodb-uri'));

db.getSiblingDB('admin').auth('root', secret('mongo-root-password'));

try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: MEMBER }] });
}
while (!db.hello().isWritablePrimary) sleep(200);

const app = db.getSiblingDB(APP);
const user = { pwd: decodeURIComponent(appPassword), roles: [{ role: 'readWrite', db: APP }] };
if (app.getUser(APP)) app.updateUser(APP, user);
else app.createUser({ user: APP, ...user });
print(`${MEMBER} is the primary of rs0; the user ${APP} may read and write ${APP}`);
