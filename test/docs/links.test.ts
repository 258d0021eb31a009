import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

/** Markdown without code: a link in a snippet is not checked. */
const proseOf = (path: string) =>
  readFileSync(join(ROOT, path), 'utf8').replaceAll(/^(```|~~~)[^]*?^\1/gm, '');

/** The ids that GitHub gives to headings. */
function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>();
  const ids = [...proseOf(path).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
    const id = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(id) ?? 0;
    seen.set(id, count + 1);
    return count === 0 ? id : `${id}-${count}`;
  });
  return new Set(ids);
}

function deadLinksOf(page: string): string[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  return (
    targets
      // GitHub shows these pages under /blob/main, so `../..` leads to its own pages.
      .filter((target) => !/^(?:[a-z]+:|\.\.\/\.\.\/security\/)/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor);
      })
      .map((target) => `${page}: ${target}`)
  );
}

describe('the documentation', () => {
  it('has pages with links', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'docs/rotation.md', 'docs/reference/options.md']),
    );
  });

  it('has no dead link between its pages', () => {
    expect(pages.flatMap(deadLinksOf)).toEqual([]);
  });
});
