// For mongosh, at every start; each step may be repeated.
const { ROOT_USERNAME, ROOT_PASSWORD, APP_PASSWORD } = process.env;
const MEMBER = 'mongo:27017';
const APP = 'silent-auth';

db.getSiblingDB('admin').auth(ROOT_USERNAME, ROOT_PASSWORD);

try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: MEMBER }] });
}
while (!db.hello().isWritablePrimary) sleep(200);

const app = db.getSiblingDB(APP);
const user = { pwd: APP_PASSWORD, roles: [{ role: 'readWrite', db: APP }] };
if (app.getUser(APP)) app.updateUser(APP, user);
else app.createUser({ user: APP, ...user });
print(`${MEMBER} is the primary of rs0; the user ${APP} may read and write ${APP}`);
