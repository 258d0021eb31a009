import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { banner, credentials } from '../src/banner.js';
import { readConfig } from '../src/config/config.js';

const secret = () => randomBytes(36).toString('base64url');
const URL = 'http://localhost:3000';
const FOUND = {
  outcome: 'found',
  email: 'root@example.com',
  isAdministrator: true,
  isPasswordIgnored: false,
} as const;
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  MONGODB_URI: 'mongodb://127.0.0.1/x',
  JWT_ACCESS_KEYS: secret(),
  JWT_REFRESH_KEYS: secret(),
};

describe(banner.name, () => {
  let dataDir: string;
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'silent-auth-banner-'));
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  const shown = (variables: Record<string, string>) =>
    banner(readConfig({ DATA_DIR: dataDir, ...variables }), {
      url: URL,
      database: 'some',
      administrator: FOUND,
      findings: [],
      settingsFrom: null,
    });
  const pagesOf = (text: string) => /Pages:\n((?: .*\n)*)/.exec(text)?.[1]?.match(/http\S+/g) ?? [];

  it.each([
    [{}, [`${URL}/`, `${URL}/report`, `${URL}/docs`]],
    [{ DEMO: 'off' }, [`${URL}/report`, `${URL}/docs`]],
    [{ DOCS: 'off' }, [`${URL}/`, `${URL}/report`]],
    [{ AUDIT: 'off' }, [`${URL}/`, `${URL}/docs`]],
    [{ DEMO: 'off', DOCS: 'off', AUDIT: 'off' }, []],
    [PRODUCTION, [`https://auth.example.com/report`, `https://auth.example.com/docs`]],
    [{ ...PRODUCTION, DOCS: 'off', AUDIT: 'off' }, []],
  ])('lists the pages that exist: %j', (variables, pages) => {
    expect(pagesOf(shown(variables))).toEqual(pages);
  });

  it('does not promise that a database in memory survives a restart', () => {
    expect(shown({})).toContain('A restart logs nobody out.');
    expect(shown({ DATABASE: 'memory-server' })).not.toContain('restart');
  });

  it('shows an operator in production no first steps', () => {
    expect(shown(PRODUCTION)).not.toMatch(/Try it|Next:/);
  });

  it('says how an administrator gets a new password, depending on how mail is sent', () => {
    const smtp = { SMTP_URL: 'smtp://mail:1025', MAIL_FROM: 'no-reply@example.com' };
    expect(shown({})).toContain(`${URL}/reset-password shows a link on this terminal`);
    expect(shown(smtp)).toContain(`${URL}/reset-password sends a link by mail`);
    expect(shown({ ...PRODUCTION, ...smtp })).toContain(
      'https://auth.example.com/reset-password sends a link',
    );
    expect(shown(PRODUCTION)).toContain('Set ADMIN_EMAIL and ADMIN_PASSWORD for a new administrator');
  });

  it('shows the password of an administrator only if the service chose it', () => {
    const made = { outcome: 'made', email: 'root@example.com' } as const;
    expect(credentials({ ...made, password: 'abc' })).toContain('password: abc   shown this once');
    expect(credentials({ ...made, password: null })).toContain('password: (as given by ADMIN_PASSWORD)');
  });
});
