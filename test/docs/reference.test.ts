import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { VARIABLES } from '../../apps/service/src/config/environment.js';
import { AUTH_ERRORS, AUTH_EVENTS, openApiDocument } from '../../src/index.js';
import {
  declaredOptions,
  documentedOptions,
  REFERENCE,
  referencePages,
} from '../../tools/docs-reference.mjs';

describe('the reference', () => {
  it('is what `npm run docs:reference` writes', async () => {
    const document = openApiDocument(documentedOptions());
    const pages = await referencePages({
      variables: VARIABLES,
      errors: AUTH_ERRORS,
      events: AUTH_EVENTS,
      document,
    });
    for (const [name, text] of Object.entries(pages))
      expect({ name, text: await readFile(new URL(name, REFERENCE), 'utf8') }).toEqual({ name, text });
  });

  it('describes each option', () => {
    expect(declaredOptions().length).toBeGreaterThan(25);
    expect(declaredOptions().filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  it('has a heading for every error code, event and route', async () => {
    const read = (name: string) => readFile(new URL(name, REFERENCE), 'utf8');
    const [errors, events, routes] = await Promise.all([
      read('errors.md'),
      read('events.md'),
      read('routes.md'),
    ]);
    expect(Object.keys(AUTH_ERRORS).filter((code) => !errors.includes(`## \`${code}\`\n`))).toEqual([]);
    expect(Object.keys(AUTH_EVENTS).filter((name) => !events.includes(`## \`${name}\`\n`))).toEqual([]);
    expect(routes).toContain('### `POST /auth/refresh`');
    expect(routes).toContain('### `POST /auth/introspect`');
    expect(routes).toContain('### `PUT /auth/admin/users/:id/roles`');
  });
});
