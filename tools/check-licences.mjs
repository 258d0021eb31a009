// Checks that every dependency of the packages and the service has a licence that this project may use.
// Development dependencies are not distributed, so they are not checked.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);

export const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
]);

/** Manifests without a licence, and the licence in the package's text. */
export const READ_BY_A_PERSON = { 'pause@0.0.1': 'MIT' };

/** @returns each dependency whose licence is not allowed, as `name@version: licence` */
export function refusedLicences(lock, manifestOf) {
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    if (!path.includes('node_modules/') || entry.link || entry.dev) return [];
    const id = `${path.replace(/^.*node_modules\//, '')}@${entry.version}`;
    const licence = entry.license ?? READ_BY_A_PERSON[id] ?? licenceIn(manifestOf(path));
    return isAllowed(licence) ? [] : [`${id}: ${licence}`];
  });
}

/** The form used before 2015: `licenses: [{ type }]`. */
function licenceIn({ license, licenses = [] }) {
  return license ?? licenses.map(({ type }) => type).join(' OR ');
}

function isAllowed(licence) {
  const choices = licence.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((part) => ALLOWED.has(part)));
}

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifestOf = (path) => {
    try {
      return readJson(`${path}/package.json`);
    } catch {
      // An optional dependency of another platform.
      return {};
    }
  };
  const refused = refusedLicences(readJson('package-lock.json'), manifestOf);
  for (const line of refused) process.stderr.write(`${line}\n`);
  if (refused.length > 0) process.exitCode = 1;
}
