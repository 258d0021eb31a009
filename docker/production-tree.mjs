/**
 * Turns an installed and built working copy into what the service needs at run time, in place; the Dockerfile runs it.
 *
 * The repository is a library: what a host brings (Nest, Mongoose) is a peer, and what only the reference service uses is
 * a development dependency, so `npm ci --omit=dev` would leave a service that does not start. Here both become
 * dependencies, at the versions that package-lock.json has and the tests ran with, and npm prunes the rest.
 *
 * Do not run it in a checkout that you work in: package.json and node_modules are changed.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Beside the peers; test/docs/containers.test.ts holds this list against what the service imports. */
const SERVICE_ONLY = [
  '@fastify/static', // the Fastify adapter asks for it when /docs is served
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  '@nestjs/swagger',
  '@nestjs/terminus',
  'helmet',
  'nodemailer',
  'pino',
  'pino-http',
  'prom-client',
];

const { name, version, private: _, ...manifest } = JSON.parse(readFileSync('package.json', 'utf8'));
const { type, engines, dependencies, peerDependencies, devDependencies, overrides } = manifest;

const added = [...Object.keys(peerDependencies), ...SERVICE_ONLY].map((each) => {
  const pinned = devDependencies[each];
  if (pinned === undefined) throw new Error(`${each} has no version in devDependencies`);
  return [each, pinned];
});
// An override that refers to a development dependency has nothing to refer to any more.
const kept = Object.entries(overrides).filter(([, value]) => !JSON.stringify(value).includes('"$'));
const production = {
  name: `${name}-service`,
  version,
  private: true,
  type,
  engines,
  dependencies: { ...dependencies, ...Object.fromEntries(added) },
  overrides: Object.fromEntries(kept),
};
writeFileSync('package.json', `${JSON.stringify(production, null, 2)}\n`);
execFileSync('npm', ['prune', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
  stdio: 'inherit',
});

// Production refuses the development database, so it is not shipped.
rmSync('dist/embedded-mongo', { recursive: true });

for (const file of readdirSync('dist', { recursive: true })) {
  if (/\.(d\.ts|map)$/.test(file)) rmSync(join('dist', file));
}
