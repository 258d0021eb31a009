import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FINAL_REFUSALS, KEY_LOST } from '../../packages/client/src/refusals.js';
import { AUTH_ERRORS, AUTH_EVENTS } from '../../src/index.js';
import { errorFacts, errorPageName } from '../../tools/docs-reference.mjs';
import { compileErrors, snippetsOf } from '../support/compile.js';

const FOLDER = new URL('../../docs/errors/', import.meta.url);
const CODES = Object.entries(AUTH_ERRORS);
const KNOWN = new Set([...Object.keys(AUTH_ERRORS), KEY_LOST, 'NETWORK_ERROR']);
/** Written like codes, and none: variables of the service. */
const VARIABLE = /^(?:TRUST_PROXY|TRUSTED_ORIGINS)$/;

const read = (code: string) => readFileSync(new URL(errorPageName(code), FOLDER), 'utf8');
const named = (page: string, pattern: RegExp) => [...page.matchAll(pattern)].map(([, name = '']) => name);

describe('the pages of the error codes', () => {
  it('are one for each code, and no other', () => {
    const expected = CODES.map(([code]) => errorPageName(code)).sort();
    expect(readdirSync(FOLDER).sort()).toEqual(expected);
  });

  it.each(CODES)('%s: begins with what the table of errors says', (code, row) => {
    const beginning = `# \`${code}\`\n\n${errorFacts(row)}\n\n`;
    expect(read(code).slice(0, beginning.length)).toBe(beginning);
    // No further status and no further mark.
    expect(read(code).slice(beginning.length)).not.toMatch(/^- (?:The answer|No retry) |\*\*\d{3}\*\*/m);
  });

  it.each(CODES)('%s: says what a client does, what the host looks at, and where to read on', (code) => {
    const page = read(code);
    expect(named(page, /^## (.+)$/gm)).toEqual(['In the client', 'On the server']);
    expect(page).toMatch(/\n\nRead on: \[[^]+\.\n$/);
  });

  it.each(CODES)('%s: names only codes and events that there are', (code) => {
    const page = read(code);
    const codes = named(page, /`([A-Z]+(?:_[A-Z]+)+)`/g).filter((name) => !VARIABLE.test(name));
    expect(codes.filter((name) => !KNOWN.has(name))).toEqual([]);
    const events = named(page, /[Ee]vents? `([a-z_]+\.[a-z_]+)`/g);
    expect(events.filter((name) => !Object.hasOwn(AUTH_EVENTS, name))).toEqual([]);
  });

  it('show code that compiles', async () => {
    const found = CODES.map(([code]) => snippetsOf(read(code), code)).filter(
      (snippets) => Object.keys(snippets).length > 0,
    );
    expect(found.length).toBeGreaterThan(0);
    const module = { 'app.module.ts': 'export class AppModule {}' };
    for (const snippets of found) expect(await compileErrors({ ...module, ...snippets })).toBe('');
  });

  it.each(FINAL_REFUSALS)('%s: says that the client is signed out', (code) => {
    expect(read(code)).toMatch(/## In the client\n\n[^#]*client\sis\ssigned\sout/);
  });

  it.each(['REFRESH_SUPERSEDED', 'REFRESH_CONTESTED', 'TEMPORARILY_UNAVAILABLE', 'CROSS_SITE_REQUEST'])(
    '%s: says that nobody is logged out',
    (code) => {
      expect(read(code)).toMatch(/not\slog\sthe\suser\sout|keeps\sthe\ssession|session\sstays\svalid/);
    },
  );
});
