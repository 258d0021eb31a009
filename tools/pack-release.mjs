// Everything that a release publishes, in one folder: node tools/pack-release.mjs FOLDER
// For each package its tarball and its list of parts (SBOM, CycloneDX); the notes of the release; checksums.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGES } from './changesets.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The section of a version in a changelog, without its heading; empty if there is none. */
export function sectionOf(changelog, version) {
  const [, ...sections] = changelog.split(/^## /m);
  const section = sections.find((text) => text.split('\n', 1)[0].trim() === version) ?? '';
  return section.slice(version.length).trim();
}

function npm(cwd, ...args) {
  return execFileSync('npm', ['--loglevel', 'error', ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
}

function pack(release) {
  const notes = PACKAGES.map((folder) => {
    const read = (file) => readFileSync(join(ROOT, folder, file), 'utf8');
    const manifest = JSON.parse(read('package.json'));
    const { name, version } = manifest;
    npm(ROOT, 'pack', `./${folder}`, '--ignore-scripts', '--pack-destination', release);
    writeFileSync(join(release, `${name}-${version}.cdx.json`), billOf(manifest));
    const section = sectionOf(read('CHANGELOG.md'), version);
    return section === '' ? '' : `## ${name} ${version}\n\n${section.replaceAll(/^(#+) /gm, '#$1 ')}\n`;
  });
  const files = readdirSync(release).sort();
  writeFileSync(join(release, 'notes.md'), notes.filter((text) => text !== '').join('\n'));
  const sums = files.map((file) => `${sha256(join(release, file))}  ${file}\n`);
  writeFileSync(join(release, 'SHA256SUMS'), sums.join(''));
}

/**
 * The dependencies of the package, in the versions of the lock file; peers belong to the host. Runs in its
 * own folder: in the workspace `npm sbom` overflows the stack, because the service depends on the folder
 * above it.
 */
function billOf({ name, version, description, license, author, homepage, repository, dependencies }) {
  const project = { name, version, description, license, author, homepage, repository, dependencies };
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const locked = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && !link,
  );
  const temporary = mkdtempSync(join(tmpdir(), 'bill-'));
  try {
    // npm names the project after its folder.
    const folder = join(temporary, name);
    mkdirSync(folder);
    const write = (file, content) => writeFileSync(join(folder, file), JSON.stringify(content));
    write('package.json', project);
    write('package-lock.json', { ...lock, packages: { '': project, ...Object.fromEntries(locked) } });
    const fromLock = ['--package-lock-only', '--legacy-peer-deps'];
    npm(folder, 'install', ...fromLock, '--ignore-scripts');
    return npm(folder, 'sbom', ...fromLock, '--sbom-format', 'cyclonedx', '--sbom-type', 'library');
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const release = resolve(process.argv[2] ?? 'release');
  mkdirSync(release, { recursive: true });
  pack(release);
}
