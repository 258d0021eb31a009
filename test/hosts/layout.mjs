// The repository's packages, and what its README asks a host to install.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = {
  'nestjs-silent-auth': '.',
  'nestjs-silent-auth-client': 'packages/client',
  'nestjs-silent-auth-embedded-mongo': 'packages/embedded-mongo',
};

/** Builds and packs each package, as `npm publish` would send it; resolves with the tarballs by name. */
export async function packAll(into) {
  await run(ROOT, 'npm', ['run', 'build', '--silent']);
  const tarballs = {};
  for (const [name, folder] of Object.entries(PACKAGES)) {
    const flags = ['--json', '--ignore-scripts', '--pack-destination', into];
    const [packed] = JSON.parse(await run(join(ROOT, folder), 'npm', ['pack', ...flags]));
    tarballs[name] = join(into, packed.filename);
  }
  return tarballs;
}

/** The packages that the README tells a host on this major version of Nest to install. */
export async function readmePackages(nestMajor) {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const lines = [...readme.matchAll(/^npm install (nestjs-silent-auth @nestjs.*)$/gm)].map(
    ([, names]) => names,
  );
  const line = lines.find((names) => /@nestjs\/mongoose@11\b/.test(names) === (nestMajor === 11));
  if (line === undefined) throw new Error(`the README does not say what to install on NestJS ${nestMajor}`);
  return line.split(' ');
}
