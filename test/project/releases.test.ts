import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const tool = async (name: string) => import(pathToFileURL(join(ROOT, 'tools', name)).href);
const { PACKAGES, MENTIONS } = (await tool('changesets.mjs')) as {
  PACKAGES: readonly string[];
  MENTIONS: readonly (readonly [file: string, text: string])[];
};
const { homeOf } = await tool('repository.mjs');
const { refusedLicences } = await tool('check-licences.mjs');
const { sectionOf } = await tool('pack-release.mjs');

const textOf = (root: string, path: string) => readFileSync(join(root, path), 'utf8');
const manifestOf = (root: string, folder: string) => JSON.parse(textOf(root, join(folder, 'package.json')));

describe('the three packages', () => {
  const manifests = PACKAGES.map((folder) => manifestOf(ROOT, folder));

  it('have one version, which is the same in every place that names it', () => {
    const [{ version }] = manifests;
    expect(manifests.map((manifest) => manifest.version)).toEqual([version, version, version]);
    for (const [file, text] of MENTIONS)
      expect([file, textOf(ROOT, file).includes(text.replace('V', version))]).toEqual([file, true]);
    expect(manifests[0].peerDependencies['nestjs-silent-auth-embedded-mongo']).toBe(`^${version}`);
  });

  it('have a changelog with that version', () => {
    const sections = PACKAGES.map((folder, index) =>
      sectionOf(textOf(ROOT, join(folder, 'CHANGELOG.md')), manifests[index].version),
    );
    expect(sections.filter((section) => section === '')).toEqual([]);
  });

  it('have commands that npm publishes: it removes those whose path begins with ./', () => {
    const paths = manifests.flatMap(({ bin = {} }) => Object.values<string>(bin));
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => path.startsWith('./'))).toEqual([]);
  });

  it('name the same repository', () => {
    const [, home = ''] = /^git\+https:\/\/github\.com\/(.+)\.git$/.exec(manifests[0].repository.url) ?? [];
    PACKAGES.forEach((folder, index) => expect(manifests[index]).toMatchObject(homeOf(home, folder)));
  });
});

describe('a release', () => {
  let root: string;
  const run = (command: string) =>
    execFileSync(process.execPath, [join(ROOT, 'tools/changesets.mjs'), command, root], { encoding: 'utf8' });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'release-'));
    const files = [
      ...PACKAGES.flatMap((folder) => [join(folder, 'package.json'), join(folder, 'CHANGELOG.md')]),
      ...MENTIONS.map(([file]) => file),
      '.changeset/config.json',
    ];
    for (const file of files) cpSync(join(ROOT, file), join(root, file));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('gives all three the next version, and each its own changes', () => {
    const before = manifestOf(root, '.').version;
    const [major = '', minor = ''] = before.split('.');
    const next = `${major}.${Number(minor) + 1}.0`;
    writeFileSync(
      join(root, '.changeset/example.md'),
      "---\n'nestjs-silent-auth-client': minor\n---\n\nAdd an example.\n\nIts second paragraph.\n",
    );
    expect(run('status')).toContain(`nestjs-silent-auth ${before} → ${next}`);
    run('version');
    expect(PACKAGES.map((folder) => manifestOf(root, folder).version)).toEqual([next, next, next]);
    expect(manifestOf(root, '.').peerDependencies['nestjs-silent-auth-embedded-mongo']).toBe(`^${next}`);
    for (const [file, text] of MENTIONS) expect(textOf(root, file)).toContain(text.replace('V', next));
    const section = sectionOf(textOf(root, 'packages/client/CHANGELOG.md'), next);
    expect(section).toMatch(/^### Minor Changes\n\n- Add an example\.\n\n {2}Its second paragraph\.$/);
    expect(sectionOf(textOf(root, 'packages/client/CHANGELOG.md'), before)).not.toBe('');
    expect(textOf(root, 'CHANGELOG.md')).not.toContain('Add an example');
    expect(existsSync(join(root, '.changeset/example.md'))).toBe(false);
  });

  it('needs a changeset, and refuses one for an unknown package', () => {
    expect(run('status')).toBe('No changeset: nothing to release.\n');
    writeFileSync(join(root, '.changeset/example.md'), "---\n'nestjs-silent-auht': minor\n---\n\nAdd.\n");
    expect(() => run('status')).toThrow(/nestjs-silent-auht/);
  });
});

describe(refusedLicences.name, () => {
  const refused = (entry: object, manifest: object = {}) =>
    refusedLicences({ packages: { 'node_modules/a': { version: '1.0.0', ...entry } } }, () => manifest);

  it.each([
    [{ license: 'MIT' }],
    [{ license: '(MIT OR GPL-3.0-or-later)' }],
    [{ license: 'Apache-2.0 AND MIT' }],
    [{ license: 'GPL-3.0-only', dev: true }],
  ])('accepts %j', (entry) => {
    expect(refused(entry)).toEqual([]);
  });

  it.each([
    [{ license: 'GPL-3.0-only' }, 'a@1.0.0: GPL-3.0-only'],
    [{ license: 'MIT AND AGPL-3.0-only' }, 'a@1.0.0: MIT AND AGPL-3.0-only'],
    [{}, 'a@1.0.0: '],
  ])('refuses %j', (entry, line) => {
    expect(refused(entry)).toEqual([line]);
  });

  it('reads the form used before 2015', () => {
    expect(refused({}, { licenses: [{ type: 'MIT' }] })).toEqual([]);
  });
});
