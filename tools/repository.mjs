// The URL of the repository is in package.json; the packages repeat it, because npm's provenance requires it.
// node tools/repository.mjs check OWNER/NAME: fails unless the three packages name that repository
// node tools/repository.mjs set OWNER/NAME: writes it into them
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGES } from './changesets.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OWNER_AND_NAME = /^[\w-]+\/[\w.-]+$/;

/** The fields of a package's manifest that depend on the repository. */
export function homeOf(ownerAndName, folder) {
  const url = `https://github.com/${ownerAndName}`;
  return {
    homepage: `${url}${folder === '.' ? '' : `/tree/main/${folder}`}#readme`,
    bugs: `${url}/issues`,
    repository: {
      type: 'git',
      url: `git+${url}.git`,
      ...(folder === '.' ? {} : { directory: folder }),
    },
  };
}

function main([command, ownerAndName = '']) {
  if (!OWNER_AND_NAME.test(ownerAndName) || !['check', 'set'].includes(command))
    return 'Usage: node tools/repository.mjs check|set OWNER/NAME';
  const differing = PACKAGES.filter((folder) => {
    const path = join(ROOT, folder, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    const settled = { ...manifest, ...homeOf(ownerAndName, folder) };
    if (command === 'set') writeFileSync(path, `${JSON.stringify(settled, null, 2)}\n`);
    return command === 'check' && JSON.stringify(settled) !== JSON.stringify(manifest);
  });
  if (differing.length === 0) return null;
  return `Not at home in ${ownerAndName}: ${differing.join(', ')}. Run: node tools/repository.mjs set ${ownerAndName}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = main(process.argv.slice(2));
  if (problem !== null) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
}
