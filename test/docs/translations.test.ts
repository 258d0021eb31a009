import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const EDITIONS = [
  ['README.md', 'README.zh-CN.md'],
  ...readdirSync(new URL('docs/zh-CN', ROOT)).map((name) => [`docs/${name}`, `docs/zh-CN/${name}`]),
];

/** Code blocks without their comments, which are translated. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```[^]*?^```$/gm)].map(([block]) => block);
  return blocks.map((block) => block.replaceAll(/ *(?:\/\/ (?!\S+\.ts$)|# ).*$/gm, ''));
}

/** The levels of its headings, in order. */
const outlineOf = (text: string) =>
  [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^(#+) /gm)].map(([, marks = '']) => marks.length);

const rowsOf = (text: string) => text.split('\n').filter((line) => line.startsWith('|')).length;

describe.each(EDITIONS)('%s and %s', (english = '', chinese = '') => {
  it('both exist', () => {
    expect(existsSync(new URL(english, ROOT))).toBe(true);
  });

  it('have the same outline', () => {
    expect(outlineOf(read(chinese))).toEqual(outlineOf(read(english)));
  });

  it('show the same code', () => {
    expect(codeOf(read(chinese))).toEqual(codeOf(read(english)));
  });

  it('have the same rows in their tables', () => {
    expect(rowsOf(read(chinese))).toBe(rowsOf(read(english)));
  });
});
