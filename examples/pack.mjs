// Packs the built library and client the way npm would publish them: `npm run examples:pack` in the repository's
// root.
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const destination = process.argv[2] ?? here;
for (const [name, folder] of [
  ['nestjs-silent-auth', '..'],
  ['nestjs-silent-auth-client', '../packages/client'],
]) {
  const output = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', destination],
    { cwd: join(here, folder), encoding: 'utf8', shell: process.platform === 'win32' },
  );
  const [{ filename }] = JSON.parse(output);
  renameSync(join(destination, filename), join(destination, `${name}.tgz`));
}
