import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const guide = read('CONTRIBUTING.md');
const { scripts } = JSON.parse(read('package.json'));
/** Folders that the build, the tests and the tools create, and personal ones. */
const MADE = new Set([
  '.data',
  '.git',
  '.stryker-tmp',
  'coverage',
  'dist',
  'node_modules',
  'reports',
  'secrets',
]);

/** The folders named in the first column of a table. */
const rooms = [...guide.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
);

function foldersIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !MADE.has(entry.name))
    .map(({ name }) => join(folder, name));
}

describe('the map in CONTRIBUTING.md', () => {
  it('names each top-level folder, itself or by its parts', () => {
    const missing = foldersIn('').filter(
      (folder) => !rooms.some((room) => room === folder || room.startsWith(`${folder}/`)),
    );
    expect(missing).toEqual([]);
  });

  it.each(['src', 'packages', 'apps'])('names each folder of %s', (parent) => {
    expect(foldersIn(parent).filter((folder) => !rooms.includes(folder))).toEqual([]);
  });

  it('names each folder of test that mirrors none of src', () => {
    const mirrored = new Set(foldersIn('src').map((folder) => folder.replace('src/', 'test/')));
    const missing = foldersIn('test').filter((folder) => !mirrored.has(folder) && !rooms.includes(folder));
    expect(missing).toEqual([]);
  });

  it('names no missing folder', () => {
    expect(rooms.length).toBeGreaterThan(40);
    expect(rooms.filter((room) => !existsSync(join(ROOT, room)))).toEqual([]);
  });

  it('has the layers of src in the order that the import rules enforce', () => {
    const [, line = ''] = /^(`core`[^]*?)\n\n/m.exec(guide) ?? [];
    const named = [...line.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name);
    const folders = foldersIn('src').map((folder) => folder.replace('src/', ''));
    expect(named.filter((name) => name !== 'index.ts').sort()).toEqual(folders.sort());
  });
});

describe('CONTRIBUTING.md', () => {
  it('names scripts that exist', () => {
    const named = [...guide.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    const rows = [...guide.matchAll(/^\| the (?:static )?checks?.*$/gm)].flatMap(([row]) =>
      [...row.matchAll(/`(?:npm run )?([\w-]+:?[\w]*)`/g)].map(([, name = '']) => name),
    );
    expect(named.length).toBeGreaterThan(15);
    expect([...named, ...rows].filter((name) => name !== 'main' && !(name in scripts))).toEqual([]);
  });

  it('names files that exist', () => {
    const folders = 'src|test|apps|packages|tools|docs|bench|examples|etc';
    const named = [...guide.matchAll(new RegExp(`(?:\`|\\()((?:${folders})/[\\w./-]+)(?:\`|\\))`, 'g'))];
    const paths = named.map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(40);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names each override and each refused script', () => {
    const { overrides, allowScripts } = JSON.parse(read('package.json'));
    const names = Object.keys(overrides).filter((name) => name !== '@apollo/server');
    expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
    expect(Object.values(allowScripts).every((isAllowed) => isAllowed === false)).toBe(true);
  });
});

describe.each(['SECURITY.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md', '.changeset/README.md'])(
  '%s',
  (file) => {
    it('links to pages and sections that exist', () => {
      const links = [...read(file).matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
      // Pages of the hosting site, relative to where it shows a file.
      const local = links.filter((link) => !/^(?:https:|\.\.\/\.\.\/security\/)/.test(link));
      const broken = local.filter((link) => {
        const [path = '', section] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        if (!existsSync(join(ROOT, target))) return true;
        return section !== undefined && !headingsOf(read(target)).includes(section);
      });
      expect(broken).toEqual([]);
    });
  },
);

function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
