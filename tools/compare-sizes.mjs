// `npm run compare:sizes`: the size of this client and of others in a page, as in the table of the client's README.
// The others are installed into a temporary folder.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundled } from '../packages/client/test/support/bundled.mjs';

const CLIENT = fileURLToPath(new URL('../packages/client/src', import.meta.url));
const OWN = {
  'nestjs-silent-auth-client': ['index'],
  'with `/axios`': ['index', 'axios'],
  'with `/proof`': ['index', 'proof'],
  'with `/react`': ['index', 'react'],
  'with `/vue`': ['index', 'vue'],
};
/** What an application imports from each. */
const OTHERS = {
  'axios-auth-refresh@5.0.2': "export { default } from 'axios-auth-refresh';",
  'better-auth@1.7.25': "export { createAuthClient } from 'better-auth/client';",
  'oidc-client-ts@3.5.0': "export { UserManager } from 'oidc-client-ts';",
  'supertokens-website@20.1.6': "export { default } from 'supertokens-website';",
  '@supabase/auth-js@2.119.0': "export { AuthClient } from '@supabase/auth-js';",
  '@auth0/auth0-spa-js@2.27.0': "export { createAuth0Client } from '@auth0/auth0-spa-js';",
};
/** Packages that the application has anyway. */
const EXTERNAL = ['react', 'vue', 'axios'];

const kB = (bytes) => (bytes / 1000).toFixed(1);
const row = (name, { minified, gzipped }) =>
  process.stdout.write(`| ${name} | ${kB(minified)} | ${kB(gzipped)} |\n`);

const folder = mkdtempSync(join(tmpdir(), 'silent-auth-sizes-'));
try {
  writeFileSync(join(folder, 'package.json'), '{}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--prefer-offline'];
  execFileSync('npm', ['install', ...flags, ...Object.keys(OTHERS)], { cwd: folder, stdio: 'inherit' });
  process.stdout.write('| bundle | minified, kB | gzipped, kB |\n| --- | --- | --- |\n');
  for (const [name, entries] of Object.entries(OWN)) {
    const contents = entries.map((entry) => `export * from './${entry}.ts';`).join('\n');
    row(name, await bundled(CLIENT, contents, EXTERNAL));
  }
  for (const [name, contents] of Object.entries(OTHERS))
    row(name.replace(/(.)@/, '$1 '), await bundled(folder, contents, EXTERNAL));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
