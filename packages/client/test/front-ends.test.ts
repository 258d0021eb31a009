/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gql } from '@apollo/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { compile } from 'svelte/compiler';
import { snippetsOf, WrittenFiles } from '../../../test/support/compile.js';
import { eventually } from '../../../test/support/eventually.js';
import { uniqueEmail } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';
import { AuthServer, refusal } from './support/auth-server.js';
import { ADA } from './support/browser.js';
import { pageFetch } from './support/page-fetch.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCS = join(ROOT, 'docs');
const run = promisify(execFile);
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

/** These two install packages, and have their own tests. */
const ELSEWHERE = ['react-native', 'testing'];

const pages = (await readdir(join(DOCS, 'front-ends'))).map((file) => file.replace('.md', ''));
const client = snippetsOf(await read('docs/spa.md'), 'spa')['auth.ts'] ?? '';
const svelte =
  /```svelte\n<!-- \S+ -->\n([\s\S]*?)```/.exec(await read('docs/front-ends/svelte.md'))?.[1] ?? '';

const nodeFetch = globalThis.fetch;
let files: WrittenFiles;
let server: AuthServer;

beforeAll(async () => {
  const written: Record<string, string> = {};
  for (const page of pages.filter((each) => !ELSEWHERE.includes(each))) {
    const snippets = snippetsOf(await read(`docs/front-ends/${page}.md`), page);
    for (const [name, code] of Object.entries({ 'auth.ts': client, ...snippets }))
      written[`${page}/${name}`] = code;
  }
  for (const name of ['angular', 'page'])
    written[`angular/${name}.ts`] = await read(`test/fixtures/front-ends/angular/${name}.ts`);
  const { js } = compile(svelte, { generate: 'client', filename: 'Account.svelte' });
  written['svelte/Account.svelte.js'] = js.code;
  written['svelte/main.js'] = `
    export { auth } from './auth.js';
    export { flushSync, mount, unmount } from 'svelte';
    export { derived, get } from 'svelte/store';
    export { default as Account } from './Account.svelte.js';
  `;
  files = await WrittenFiles.write(written);
});
afterAll(() => files.remove());

beforeEach(async () => {
  server = await AuthServer.start();
  globalThis.fetch = pageFetch(location.href, server.origin);
});
afterEach(async () => {
  globalThis.fetch = nodeFetch;
  await server.stop();
});

/** What a page's snippets export, and the client that they share. */
async function from(page: string, name: string) {
  const { auth } = await files.import(`${page}/auth.ts`);
  await auth.login(ADA);
  return { auth, ...(await files.import(`${page}/${name}.ts`)) };
}

async function bundle(entry: string, ...flags: string[]): Promise<string> {
  const out = entry.replace(/\.\w+$/, '.bundle.mjs');
  const parameters = [
    '--bundle',
    '--format=esm',
    `--outfile=${join(files.folder, out)}`,
    '--log-level=error',
  ];
  await run(join(ROOT, 'node_modules/.bin/esbuild'), [join(files.folder, entry), ...parameters, ...flags]);
  return out;
}

describe('docs/front-ends', () => {
  it('shows code that compiles', async () => {
    expect(await files.compileErrors()).toBe('');
  });

  it('is listed in docs/spa.md, and leads to pages that exist', async () => {
    const links = (text: string) =>
      [...text.matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, target = '']) => target);
    expect(links(await read('docs/spa.md'))).toEqual(
      expect.arrayContaining(pages.map((page) => `front-ends/${page}.md`)),
    );
    for (const page of pages)
      for (const link of links(await read(`docs/front-ends/${page}.md`)))
        expect((await read(join('docs/front-ends', link))).length).toBeGreaterThan(0);
  });
});

it('angular.md: one repetition below other interceptors, and a zone that becomes stable', async () => {
  const out = await bundle(
    'angular/angular.ts',
    // Built as by the Angular CLI, so that zone.js sees every wait.
    ...['--target=es2016', '--platform=node', '--main-fields=module,main', '--external:jsdom'],
  );
  const { stdout } = await run(process.execPath, [join(files.folder, out)]);
  const seen = {
    ...{ status: 'signed-in', user: ADA.email, isStableAfterLogin: true, isStableAfterRefresh: true },
    // The first request asks who is signed in.
    ...{ refreshes: 2, isRepaired: true, requests: 6, seen: 4, foreign: [null] },
  };
  expect(JSON.parse(stdout)).toEqual({
    zoned: { ...seen, isStableWithoutWrapper: false },
    zoneless: { ...seen, isStableWithoutWrapper: true },
  });
});

it('svelte.md: a component shows each state, and the client is a store', async () => {
  const out = await bundle('svelte/main.js', '--conditions=browser');
  const { auth, mount, unmount, flushSync, derived, get, Account } = await files.import(out);
  const account = mount(Account, { target: document.body });
  expect(document.body.textContent).toContain('One moment');
  await auth.login(ADA);
  flushSync();
  expect(document.body.textContent).toContain(`Hello ${ADA.email}`);
  expect(get(auth)).toEqual(auth.getState());
  expect(get(derived(auth, ({ status }: { status: string }) => [status]))).toEqual(['signed-in']);
  await unmount(account);
  auth.close();
});

describe('graphql.md', () => {
  const refused = (data: object | null) => ({
    json: { data, errors: [{ message: 'refused', extensions: { code: 'ACCESS_TOKEN_REVOKED' } }] },
  });
  const me = gql('{ me }');

  it('repeats an operation that was refused with status 200, once', async () => {
    const { apollo, graphqlFetch, auth } = await from('graphql', 'graphql');
    server.answer('/graphql', refused(null), { json: { data: { me: 'ada' } } });
    expect((await apollo.query({ query: me })).data).toEqual({ me: 'ada' });
    const sent = server.to('/graphql').map(({ headers }) => headers.authorization);
    expect(new Set(sent).size).toBe(2);
    expect(server.count('/auth/refresh')).toBe(1);

    server.answer('/graphql', refused({ me: null }), refused(null), { json: { data: {} } });
    const answer = await graphqlFetch('/graphql', { method: 'POST', body: '{}' });
    expect(await answer.json()).toMatchObject({ errors: [{}] });
    expect(server.count('/graphql')).toBe(4);
    auth.close();
  });

  it('repeats no operation that was done in part', async () => {
    const { apollo, auth } = await from('graphql', 'graphql');
    server.answer('/graphql', refused({ order: 'placed', me: null }));
    const placed = apollo.mutate({ mutation: gql('mutation { order me }') });
    await expect(placed).rejects.toThrow('refused');
    expect(server.count('/graphql')).toBe(1);
    // The order was placed, and what was refused is a field of it.
    const below = { path: ['order', 'by'], extensions: { code: 'ACCESS_TOKEN_REVOKED' } };
    server.answer('/graphql', {
      json: { data: { order: null }, errors: [{ message: 'refused', ...below }] },
    });
    const refusedBelow = apollo.mutate({ mutation: gql('mutation { order { by } }') });
    await expect(refusedBelow).rejects.toThrow('refused');
    expect(server.count('/graphql')).toBe(2);
    auth.close();
  });
});

it('sse.md: a stream is read with a token, and continued after a lost connection', async () => {
  const { follow, auth } = await from('sse', 'ticker');
  const stream = (text: string) => ({ text, headers: { 'content-type': 'text/event-stream' } });
  server.answer(
    '/ticker',
    refusal(401, 'ACCESS_TOKEN_REVOKED'),
    stream('retry: 5\n\nid: 1\ndata: one\n\n'),
    stream('id: 2\ndata: two\n\n'),
  );
  const shown: string[] = [];
  const stop = follow('/ticker', (data: string) => {
    shown.push(data);
    if (data === 'two') stop();
  });
  await eventually(
    async () => shown,
    ({ length }) => length > 1,
  );
  expect(shown).toEqual(['one', 'two']);
  const [, second, third] = server.to('/ticker');
  expect(second?.headers.authorization).toMatch(/^Bearer at\./);
  expect(third?.headers).toMatchObject({
    authorization: second?.headers.authorization,
    'last-event-id': '1',
  });
  auth.close();
});

it('downloads.md: a guarded file is saved under its name', async () => {
  const { download, auth } = await from('downloads', 'download');
  const blobs: Blob[] = [];
  const saved: object[] = [];
  URL.createObjectURL = (blob) => `blob:${blobs.push(blob as Blob)}`;
  HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
    saved.push({ href: this.href, download: this.download });
  };
  server.answer('/api/report.csv', refusal(401, 'ACCESS_TOKEN_REVOKED'), { text: 'a,b' }, { status: 404 });
  await download('/api/report.csv', 'report.csv');
  expect(saved).toEqual([{ href: 'blob:1', download: 'report.csv' }]);
  expect(await blobs[0]?.text()).toBe('a,b');
  await expect(download('/api/report.csv', 'report.csv')).rejects.toThrow('404');
  auth.close();
});

describe('other-origins.md', () => {
  const ORIGINS = [
    'app://bundle',
    'capacitor://localhost',
    'https://localhost',
    `chrome-extension://${'a'.repeat(32)}`,
  ];
  const OTHERS = ['null', 'capacitor://elsewhere', `chrome-extension://${'b'.repeat(32)}`];
  const PASSWORD = 'seven-Otters-cross-the-river';
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ TRUSTED_ORIGINS: ORIGINS.join() });
  });
  afterAll(() => service.dispose());

  /** A client in a page of the origin, with the headers that a browser sends. */
  async function inPageOf(origin: string) {
    const { authOf } = await files.import('other-origins/shell.ts');
    const allowed: (string | null)[] = [];
    globalThis.fetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('origin', origin);
      headers.set('sec-fetch-site', 'cross-site');
      const response = await nodeFetch(input, { ...init, headers });
      allowed.push(response.headers.get('access-control-allow-origin'));
      return response;
    };
    const kept = new Map<string, string>();
    const vault = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: string) => void kept.set(key, value),
      remove: async (key: string) => void kept.delete(key),
    };
    return { open: () => authOf(service.origin, vault), allowed, kept };
  }

  it.each(ORIGINS)('%s signs in, is signed in after a restart, and signs out', async (origin) => {
    const { open, allowed, kept } = await inPageOf(origin);
    const email = uniqueEmail();
    const auth = open();
    await auth.register({ email, password: PASSWORD });
    auth.close();
    const later = open();
    expect((await later.restore()).user.email).toBe(email);
    expect((await (await later.fetch(`${service.origin}/auth/me`)).json()).email).toBe(email);
    await later.logout();
    later.close();
    expect(kept.size).toBe(0);
    expect(new Set(allowed)).toEqual(new Set([origin]));
  });

  it.each(OTHERS)('%s is refused', async (origin) => {
    const auth = (await inPageOf(origin)).open();
    await expect(auth.register({ email: uniqueEmail(), password: PASSWORD })).rejects.toMatchObject({
      code: 'CROSS_SITE_REQUEST',
    });
    auth.close();
  });
});
