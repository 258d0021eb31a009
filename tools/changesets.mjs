// Plans or writes the next version from the files in .changeset:
// node tools/changesets.mjs status|version [folder]
// The command of @changesets/cli cannot do it: it supports packages below the root, but not one at the root.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import applyReleasePlan from '@changesets/apply-release-plan';
import assembleReleasePlan from '@changesets/assemble-release-plan';
import { read as readConfig } from '@changesets/config';
import readChangesets from '@changesets/read';

export const PACKAGES = ['.', 'packages/client', 'packages/embedded-mongo'];

/** Other places that contain the version, with a V in its place. */
export const MENTIONS = [
  ['apps/service/package.json', '"version": "V"'],
  ['README.md', '-V.tgz'],
  ['README.zh-CN.md', '-V.tgz'],
  ['docs/kubernetes.md', 'silent-auth:V'],
  ['deploy/kubernetes/kustomization.yaml', 'newTag: V'],
];

async function main([command, folder]) {
  if (command !== 'status' && command !== 'version') throw new Error('Say status or version.');
  const root = resolve(folder ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const packages = packagesOf(root);
  const config = await readConfig(root, packages);
  const changesets = await readChangesets(root);
  const plan = assembleReleasePlan(changesets, withoutPeers(packages), config, undefined);
  if (plan.releases.length === 0) return 'No changeset: nothing to release.';
  if (command === 'version') await write(root, plan, packages, config);
  return plan.releases
    .map(({ name, type, oldVersion, newVersion }) => `${name} ${oldVersion} → ${newVersion} (${type})`)
    .join('\n');
}

function packagesOf(root) {
  const packages = PACKAGES.map((folder) => {
    const dir = join(root, folder);
    return { dir, packageJson: JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) };
  });
  return { tool: 'npm', root: packages[0], packages };
}

/** Changesets makes a peer that leaves its range a major change; here both get the same version in one release. */
function withoutPeers({ tool, root, packages }) {
  const planned = packages.map(({ dir, packageJson: { peerDependencies: _, ...packageJson } }) => ({
    dir,
    packageJson,
  }));
  return { tool, root, packages: planned };
}

async function write(root, plan, packages, config) {
  await applyReleasePlan(plan, packages, config);
  const [{ oldVersion, newVersion }] = plan.releases;
  for (const [file, text] of MENTIONS) {
    const path = join(root, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replaceAll(text.replace('V', oldVersion), text.replace('V', newVersion)));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await main(process.argv.slice(2))}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
