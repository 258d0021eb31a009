import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { DEFAULT_COLLECTIONS } from '../../src/options/collections.options.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
const listed = (prefix: string, names: string) => names.split(' ').map((name) => `${prefix} ${name}`);

/** Every requirement of the product. A row may be for one part of it: `ASVS 7.2.4 (a new token)`. */
const IDS = [
  ...numbered('R', 6),
  ...numbered('B', 4),
  ...numbered('J', 7),
  ...numbered('A', 3),
  ...numbered('V', 3),
  ...numbered('I', 3),
  'RFC 6750',
  'RFC 9449',
  ...listed('ASVS', '7.1.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.5 7.5.1 7.5.2'),
  ...listed('ASVS', '9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 10.4.5 10.4.8 10.4.9'),
  ...listed('ASVS', '6.1.1 6.2.1 6.2.3 6.2.4 6.2.5 6.2.8 6.2.9 6.2.12 6.3.5 6.3.7 6.3.8 6.5.5'),
  ...listed('ASVS', '3.3.1 3.3.2 3.3.3 3.3.4 3.5.1 3.5.2 3.5.3 14.2.1 14.3.2 16.2.5 16.3.1 16.5.3 11.5.1'),
  'NIST (NFKC)',
  'NIST (code points)',
  'NIST (no periodic change)',
  'NIST (100 failures, in a window)',
  'NIST (100 failures, in a row)',
  'bcrypt (72 bytes)',
  'bcrypt (hashes from elsewhere)',
  'bcrypt (cost)',
];

interface Line {
  id: string;
  requirement: string;
  metIn: string;
  heldBy: string;
}

const OPEN = /^(not yet|by choice not|does not apply): \S/;
const REFERENCE = /^`((?:apps\/service\/)?test\/[^`]+\.test\.ts)`: “([^”]+)”$/;
const SOURCE = /^`((?:apps\/service\/)?src\/[^`]+\.ts)`$/;

const document = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
const lines = linesOf(document);
const claims = rowsOf(document, '| no. | claim |').map(([no = '', claim = '', heldBy = '']) => ({
  no,
  claim,
  tests: heldBy.split('<br>'),
}));
const references = lines
  .filter(({ heldBy }) => !OPEN.test(heldBy))
  .flatMap(({ id, heldBy }) => heldBy.split('<br>').map((reference) => [id, reference] as const));

/** The cells of the table with this header, row by row. */
function rowsOf(text: string, header: string): string[][] {
  const rows = text.split('\n');
  const body = rows.slice(rows.findIndex((row) => row.startsWith(header)) + 2);
  const end = body.findIndex((row) => !row.startsWith('|'));
  return body.slice(0, end).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** The rows of the table of requirements. */
function linesOf(text: string): Line[] {
  return rowsOf(text, '| id | requirement |').map((cells) => {
    const [id = '', requirement = '', metIn = '', heldBy = '', ...rest] = cells;
    expect(rest).toEqual([]);
    return { id, requirement, metIn, heldBy };
  });
}

/** A requirement's id, without the name of the row's part. */
const requirementOf = (id: string) => (IDS.includes(id) ? id : id.replace(/ \([^)]+\)$/, ''));

const titles = new Map<string, ReadonlySet<string>>();

/** The titles of a file's tests as written: `it`, `test`, and those with `each`. */
function titlesIn(path: string): ReadonlySet<string> {
  const known = titles.get(path);
  if (known) return known;
  const source = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)\b/.test(nameOf(node.expression))) {
      const [title] = node.arguments;
      if (title && ts.isStringLiteralLike(title)) found.add(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  titles.set(path, found);
  return found;
}

/** `it`, `test.each`, `test.each<T>(rows)` … without their arguments. A skipped test does not count. */
function nameOf(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  if (ts.isCallExpression(callee)) return nameOf(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return nameOf(callee.tag);
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'each') return nameOf(callee.expression);
  return '';
}

/** Expects that the file of a reference exists and has a test with exactly this title. */
function expectTest(reference: string): void {
  const [, path = '', title = ''] = REFERENCE.exec(reference) ?? [];
  expect({ reference, exists: path !== '' && existsSync(join(ROOT, path)) }).toEqual({
    reference,
    exists: true,
  });
  expect([...titlesIn(path)]).toContain(title);
}

describe('docs/security.md', () => {
  it('has every requirement once, or a row for each part of it', () => {
    expect(lines.map(({ id }) => id)).toEqual([...new Set(lines.map(({ id }) => id))]);
    expect([...new Set(lines.map(({ id }) => requirementOf(id)))]).toEqual(IDS);
    // A row for the whole and rows for its parts would duplicate each other.
    const whole = new Set(lines.map(({ id }) => id));
    expect(lines.filter(({ id }) => requirementOf(id) !== id && whole.has(requirementOf(id)))).toEqual([]);
    expect(lines.filter(({ requirement }) => requirement === '')).toEqual([]);
  });

  it('each row says where it is met and which tests hold it, or why neither', () => {
    expect(references.length).toBeGreaterThan(80);
    for (const { id, metIn, heldBy } of lines) {
      const isOpen = OPEN.test(heldBy);
      const parts = [metIn, heldBy].map((cell) => cell.split('<br>'));
      const [files = [], tests = []] = parts;
      expect({ id, metIn }).toEqual({
        id,
        metIn: isOpen ? '–' : files.filter((file) => SOURCE.test(file)).join('<br>'),
      });
      const held = tests.filter((test) => REFERENCE.test(test)).join('<br>');
      expect({ id, heldBy }).toEqual({ id, heldBy: isOpen ? heldBy : held });
      expect(isOpen && /“|\.test\.ts|src\//.test(heldBy)).toBe(false);
    }
  });

  it('names source files that exist', () => {
    const named = lines.flatMap(({ metIn }) => metIn.split('<br>').map((cell) => SOURCE.exec(cell)?.[1]));
    const files = named.filter((file) => file !== undefined);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(references)('%s is held by a test that exists: %s', (_id, reference) => expectTest(reference));

  it('says that the client package sends no attempts as long as it sends none', () => {
    const folder = join(ROOT, 'packages/client/src');
    const sendsAttempts = readdirSync(folder).some((file) =>
      /\bprevious\b/.test(readFileSync(join(folder, file), 'utf8')),
    );
    expect(document.includes('`nestjs-silent-auth-client` sends no attempts yet')).toBe(!sendsAttempts);
  });

  it('says of every collection what it stores about a user', () => {
    const rows = rowsOf(document, '| collection ');
    const names = rows.map(([name = '']) => name.replaceAll('`', ''));
    expect(names.sort()).toEqual(Object.values(DEFAULT_COLLECTIONS).sort());
  });

  it('numbers its claims, and states each once', () => {
    expect(claims.length).toBeGreaterThan(20);
    expect(claims.map(({ no }) => no)).toEqual(claims.map((_, index) => String(index + 1)));
    expect(new Set(claims.map(({ claim }) => claim)).size).toBe(claims.length);
  });

  it.each(claims.flatMap(({ no, claim, tests }) => tests.map((test) => [no, claim, test] as const)))(
    'claim %s, %s is held by %s',
    (_no, claim, reference) => {
      expect(claim).not.toBe('');
      expectTest(reference);
    },
  );
});
