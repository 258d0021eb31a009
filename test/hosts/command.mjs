import { deepStrictEqual, match, rejects } from 'node:assert';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './processes.mjs';

/** The command of the package, installed from its tarball where there is nothing else. */
export async function runsCommands(workshop) {
  const folder = join(workshop.root, 'command');
  await mkdir(folder);
  await run(folder, 'npm', ['init', '--yes']);
  await run(folder, 'npm', ['install', workshop.tarballs['nestjs-silent-auth']]);

  const files = { JWT_ACCESS_KEYS: 'file:keys/access.json', JWT_REFRESH_KEYS: 'file:keys/refresh.json' };
  const withoutDatabase = { MONGODB_URI: '', DATABASE: '', DATA_DIR: '' };
  const silentAuth = (line, env = {}) =>
    run(folder, 'npx', ['silent-auth', ...line.split(' ')], { env: { ...withoutDatabase, ...env } });

  match(await silentAuth('--help'), /^silent-auth <command>[^]*\n {2}keys /);
  await silentAuth('keys generate', files);
  deepStrictEqual((await readdir(join(folder, 'keys'))).sort(), ['access.json', 'refresh.json']);
  match(await silentAuth('keys', files), /HS256[^]*HS256/);
  await silentAuth('keys generate access', files);
  await silentAuth('keys rotate access --force', files);
  await silentAuth('keys retire access --force', files);
  await rejects(silentAuth('keys'), /\nJWT_ACCESS_KEYS is not set: [^\n]*\n$/);
  for (const command of ['doctor', 'report'])
    await rejects(
      silentAuth(command),
      /ended with [12]\nThere is no database in [^\n]*MONGODB_URI[^\n]*\.\n$/,
    );
}
