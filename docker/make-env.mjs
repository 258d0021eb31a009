/** Writes `.env` from `.env.example`, and fresh secrets into `secrets/`, once; existing files are kept. */
import { randomBytes } from 'node:crypto';
import { chmodSync, constants, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';

// A URI, a MongoDB key file and a shell take hexadecimal text unchanged.
const secret = () => randomBytes(48).toString('hex');
const redisPassword = secret();

const FILES = {
  'mongodb-uri': `mongodb://silent-auth:${secret()}@mongo:27017/silent-auth?replicaSet=rs0`,
  'jwt-access-keys': secret(),
  'jwt-refresh-keys': secret(),
  'redis-url': `redis://default:${redisPassword}@redis:6379`,
  'redis.conf': `requirepass ${redisPassword}`,
  'mongo-root-password': secret(),
  'mongo-replica-key': secret(),
};

try {
  copyFileSync('.env.example', '.env', constants.COPYFILE_EXCL);
  chmodSync('.env', 0o600);
  // Other users of this machine cannot open the folder; the files are readable for every user in the containers.
  mkdirSync('secrets', { mode: 0o700 });
  for (const [name, text] of Object.entries(FILES))
    writeFileSync(`secrets/${name}`, `${text}\n`, { mode: 0o444, flag: 'wx' });
  process.stdout.write(
    '.env and secrets/ are written. Set PUBLIC_URL in .env before the first start if other machines are to log in.\n',
  );
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  process.stderr.write(`${error.dest ?? error.path} exists and is kept.\n`);
  process.exitCode = 1;
}
