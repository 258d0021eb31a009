// Packs the library, as it was built, the way npm would publish it: `npm run examples:pack` in the repository's root.
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const destination = process.argv[2] ?? here;
const output = execFileSync(
  'npm',
  ['pack', '--json', '--ignore-scripts', '--pack-destination', destination],
  { cwd: join(here, '..'), encoding: 'utf8', shell: process.platform === 'win32' },
);
const [{ filename }] = JSON.parse(output);
renameSync(join(destination, filename), join(destination, 'nestjs-silent-auth.tgz'));
