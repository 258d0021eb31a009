/** Writes `.env` from `.env.example` with fresh secrets, once; an existing file is left alone. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const SECRETS = [
  'MONGO_ROOT_PASSWORD',
  'MONGO_APP_PASSWORD',
  'MONGO_REPLICA_KEY',
  'JWT_ACCESS_KEYS',
  'JWT_REFRESH_KEYS',
];

let env = readFileSync('.env.example', 'utf8');
for (const name of SECRETS) {
  const empty = new RegExp(`^${name}=$`, 'm');
  if (!empty.test(env)) throw new Error(`.env.example has no line ${name}=`);
  // Hexadecimal goes into a URI, a key file of MongoDB and a shell as it is.
  env = env.replace(empty, `${name}=${randomBytes(48).toString('hex')}`);
}
try {
  writeFileSync('.env', env, { mode: 0o600, flag: 'wx' });
  process.stdout.write(
    '.env is written. Set PUBLIC_URL in it before the first start, if others than this machine are to log in.\n',
  );
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  process.stderr.write('.env exists and is left as it is.\n');
  process.exitCode = 1;
}
