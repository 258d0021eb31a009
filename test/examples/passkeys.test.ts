import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header } from '@nestjs/common';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PasskeysModule } from '../../examples/passkeys/src/passkeys.module.js';
import { describeInBrowser, launchChromium } from '../browser/support/chromium.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { expectError, expectGuardRefusal, newSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { claimsOf } from '../support/tokens.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The example's page, bundled as an application would. */
@Controller()
class PageController {
  @Get('page')
  @Header('content-type', 'text/html')
  page(): string {
    return '<!doctype html><title>Passkeys</title><script src="/page.js"></script>';
  }

  @Get('page.js')
  @Header('content-type', 'text/javascript')
  async script(): Promise<string> {
    const bundle = await build({
      entryPoints: [`${ROOT}/examples/passkeys/src/page.ts`],
      alias: { 'nestjs-silent-auth-client': `${ROOT}/packages/client/src/index.ts` },
      bundle: true,
      globalName: 'app',
      write: false,
    });
    return bundle.outputFiles[0]?.text ?? '';
  }
}

async function started(adapter: (typeof ADAPTERS)[number]) {
  const options = { name: 'Example', origin: '' };
  const module = PasskeysModule.forRoot(options);
  const host = await HostApp.start(adapter, {}, { imports: [module], controllers: [PageController] });
  // Passkeys do not work on an IP address.
  options.origin = `http://localhost:${new URL(host.origin).port}`;
  return { host, origin: options.origin };
}

describe.each(ADAPTERS)('the example of passkeys without a browser, on %s', (adapter) => {
  let host: HostApp;
  beforeAll(async () => {
    ({ host } = await started(adapter));
  });
  afterAll(() => host?.stop());

  it('gives challenges, and refuses an invalid passkey', async () => {
    const options = await host.api().post('/login/passkey/options');
    expect(options.json).toMatchObject({ rpId: 'localhost', userVerification: 'required' });
    for (const body of [
      undefined,
      {},
      { response: null },
      { response: 'x' },
      { response: { id: { $gt: '' } } },
    ])
      expectError(await host.api().post('/login/passkey', body), 401, 'INVALID_CREDENTIALS');
    const { accessToken: token } = await newSession(host.api());
    for (const body of [undefined, {}, { response: 'x' }, { response: { id: 'x', rawId: 'x', type: 'x' } }])
      expectError(await host.api().post('/passkeys', body, { token }), 401, 'INVALID_CREDENTIALS');
    expectGuardRefusal(await host.api().post('/passkeys/options'), 'ACCESS_TOKEN_MISSING');
  });
});

describeInBrowser('the example of passkeys', () => {
  let browser: Browser;
  let host: HostApp;
  let origin: string;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium();
    ({ host, origin } = await started('express'));
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });
  beforeEach(async () => {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(`${origin}/page`);
  });

  /** The result of a script in the page. */
  const run = (script: string): Promise<unknown> => page.evaluate(`(async () => { ${script} })()`);
  const sent = (path: string) =>
    page.waitForRequest((request) => new URL(request.url()).pathname === path).then((r) => r.postDataJSON());

  async function withPasskey(): Promise<{ email: string; registered: unknown }> {
    const email = uniqueEmail();
    await run(`await app.auth.register(${JSON.stringify({ email, password: PASSWORD })})`);
    const registered = sent('/passkeys');
    await run('await app.addPasskey()');
    return { email, registered: await registered };
  }

  it('a passkey logs in, without an address and a password', async () => {
    const { email } = await withPasskey();
    await run('await app.auth.logout(); await app.signInWithPasskey()');
    expect(await run('return app.auth.getState().user.email')).toBe(email);
    expect(claimsOf(String(await run('return app.auth.getAccessToken()'))).amr).toEqual(['hwk', 'user']);
    await page.reload();
    await run('await app.auth.restore()');
    expect(await run('return app.auth.getState().user.email')).toBe(email);
  });

  it("a passkey's signature counts once", async () => {
    const { registered } = await withPasskey();
    const login = sent('/login/passkey');
    await run('await app.signInWithPasskey()');
    expectError(await host.api().post('/login/passkey', await login), 401, 'INVALID_CREDENTIALS');
    const token = String(await run('return app.auth.getAccessToken()'));
    expectError(await host.api().post('/passkeys', registered, { token }), 401, 'INVALID_CREDENTIALS');
  });

  it('a device holds one passkey for a user, and an unregistered one logs nobody in', async () => {
    await withPasskey();
    await expect(run('await app.addPasskey()')).rejects.toThrow(/registered|InvalidStateError/);
    await host.connection.collection('passkeys').deleteMany({});
    await run('await app.auth.logout()');
    await expect(run('await app.signInWithPasskey()')).rejects.toThrow('INVALID_CREDENTIALS');
  });

  it('a challenge made for one user is invalid for another', async () => {
    const { accessToken: token } = await newSession(host.api());
    let body: unknown;
    await page.route('**/passkeys', (route) => {
      body = route.request().postDataJSON();
      return route.abort();
    });
    await withPasskey().catch(() => undefined);
    expect(body).toBeDefined();
    expectError(await host.api().post('/passkeys', body, { token }), 401, 'INVALID_CREDENTIALS');
  });
});
