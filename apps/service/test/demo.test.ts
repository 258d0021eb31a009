import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { ADAPTERS } from '../../../test/support/host-app.js';
import {
  type Answer,
  Browser,
  expectError,
  newSession,
  PASSWORD,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../../../test/support/http.js';
import { linkedFiles } from '../../../test/support/linked-files.js';
import { HELD_CLOCK, Service } from '../../../test/support/service.js';

const DEMO_APP = 'silent-auth-demo';
const ROUTES = [
  ['GET', '/demo/timeline'],
  ['POST', '/demo/lost-response'],
  ['POST', '/demo/outage'],
  ['POST', '/demo/theft'],
  ['POST', '/demo/theft/replay'],
] as const;

/** A visitor of the page: a browser with its cookies, and the state of its script. */
class Visitor {
  /** All that the demo's routes have answered. */
  readonly answers: Answer[] = [];
  readonly secrets: string[] = [];
  private constructor(
    readonly browser: Browser,
    public session: Session,
  ) {
    this.secrets.push(session.accessToken, session.refreshToken);
  }

  static async of(service: Service): Promise<Visitor> {
    const browser = new Browser(service.origin, { 'x-demo-caller': 'tab A' });
    const fields = { email: uniqueEmail('visitor'), password: PASSWORD, appId: DEMO_APP };
    return new Visitor(browser, sessionOf(await browser.register(fields)));
  }

  async demo(method: string, path: string): Promise<Answer> {
    const answer = await this.browser.send(method, `/demo/${path}`, { token: this.session.accessToken });
    this.answers.push(answer);
    return answer;
  }

  async refresh(): Promise<Answer> {
    // Some clients send an empty object, so the body parser runs.
    const answer = await this.browser.post('/auth/refresh', {});
    if (answer.status === 200) {
      this.session = { ...sessionOf(answer), refreshToken: this.browser.jar.get('refresh_token') ?? '' };
      this.secrets.push(this.session.accessToken, this.session.refreshToken);
    }
    return answer;
  }

  /**
   * Retries until an answer arrives, with a pause as in real clients: the timeline keeps the latest 200 events, and
   * without a pause they would fill it before the outage ends.
   */
  async refreshUntilAnswered(
    afterLoss: () => Promise<unknown> = () => setTimeout(50),
  ): Promise<{ answer: Answer; lost: number }> {
    for (let lost = 0; ; lost += 1) {
      const answer = await this.refresh().catch(() => null);
      if (answer) return { answer, lost };
      await afterLoss();
    }
  }

  async untilTimeline(isSo: (timeline: Timeline) => boolean): Promise<Timeline> {
    return eventually<Timeline>(async () => (await this.demo('GET', 'timeline')).json, isSo);
  }

  /** Refreshes, and uses the new token until the server has recorded that. */
  async refreshAndUse(): Promise<void> {
    await this.refresh();
    await this.untilTimeline(({ session }) => session?.isConfirmed === true);
  }
}

interface Timeline {
  readonly session: { readonly generation: number; readonly isConfirmed: boolean } | null;
  readonly stolenGeneration: number | null;
  readonly events: {
    kind: string;
    caller: string | null;
    generation?: number;
    presentedGeneration?: number;
    isRepeat?: boolean;
  }[];
}

const kindsOf = ({ events }: Timeline) => events.map(({ kind }) => kind);

describe.each(ADAPTERS)('the demo, on %s', (adapter) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter });
  });
  afterAll(() => service.dispose());

  describe('its page', () => {
    it('is at /, and loads from this host only, with a strict policy', async () => {
      const page = await service.api().send('GET', '/');
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      const policy = page.headers['content-security-policy'];
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
      expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
      expect(page.headers['x-content-type-options']).toBe('nosniff');
      expect(page.text).not.toMatch(
        /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:\/\/(?!www\.w3\.org)/,
      );
    });

    it('every file that it asks for is there, with its type; its script holds the client', async () => {
      const paths = await linkedFiles(service.api(), '/');
      expect(paths).toEqual(expect.arrayContaining(['/demo/main.js', '/demo/style.css', '/demo/base.css']));
      expect((await service.api().send('GET', '/demo/main.js')).text).toContain('function createAuthClient(');
    });

    it('is not sent again to a browser that has it', async () => {
      const api = service.api();
      const path = '/demo/style.css';
      const { etag = '' } = (await api.send('GET', path)).headers;
      expect(etag).toMatch(/^"[\w-]{20,}"$/);
      for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await api.send('GET', path, { headers: { 'if-none-match': condition } });
        expect([again.status, again.text]).toEqual([304, '']);
      }
      const other = await api.send('GET', path, { headers: { 'if-none-match': '"other"' } });
      expect(other.status).toBe(200);
      const head = await api.send('HEAD', path);
      expect([head.status, head.text]).toEqual([200, '']);
      expect(Number(head.headers['content-length'])).toBe(Buffer.byteLength(other.text));
    });

    it.each([
      '/demo/index.html',
      '/demo/tsconfig.json',
      '/demo/main.d.ts',
      '/demo/../main.js',
      '/demo/%2e%2e/main.js',
      '/demo/%2e%2e/%2e%2e/main.js',
      '/demo/',
    ])('nothing else is served: %s', async (path) => {
      expectError(await service.api().send('GET', path), 404, 'NOT_FOUND');
    });

    it('can be read; the policy of other pages is as strict as before', async () => {
      expectError(await service.api().post('/', {}), 404, 'NOT_FOUND');
      const docs = (await service.api().send('GET', '/docs')).headers['content-security-policy'];
      expect(docs).toMatch(/\bscript-src 'self'(?:;|$)/);
    });
  });

  it('its sessions have short access tokens, all others the usual ones', async () => {
    const { session, browser } = await Visitor.of(service);
    const login = (fields: object) => browser.login({ email: session.email, password: PASSWORD, ...fields });
    expect((await login({ appId: DEMO_APP })).json.expiresIn).toBe(20);
    expect((await login({})).json.expiresIn).toBe(900);
    expect((await login({ appId: 'shop', transport: 'body' })).json.expiresIn).toBe(900);
  });

  describe('its routes', () => {
    it.each(ROUTES)('%s %s needs an access token, and a page of this origin', async (method, path) => {
      const { session } = await Visitor.of(service);
      expectError(await service.api().send(method, path), 401, 'ACCESS_TOKEN_MISSING');
      const { refreshToken } = session;
      expectError(
        await service.api().send(method, path, { refreshCookie: refreshToken }),
        401,
        'ACCESS_TOKEN_MISSING',
      );
      const headers = { origin: 'https://evil.example.net', 'sec-fetch-site': 'cross-site' };
      expectError(
        await service.api().send(method, path, { headers, token: session.accessToken }),
        403,
        'CROSS_SITE_REQUEST',
      );
    });

    it.each(ROUTES.filter(([method]) => method === 'POST'))(
      '%s %s accepts any body',
      async (method, path) => {
        const { session } = await Visitor.of(service);
        const token = session.accessToken;
        const huge = await service.api().send(method, path, { token, body: { x: 'x'.repeat(100_000) } });
        expectError(huge, 413, 'PAYLOAD_TOO_LARGE');
        expectError(await service.api().send(method, path, { token, raw: '{' }), 400, 'MALFORMED_REQUEST');
      },
    );

    it("describe only the caller's own session", async () => {
      const [ada, eve] = [await Visitor.of(service), await Visitor.of(service)];
      await ada.refreshAndUse();
      const { json } = await eve.demo('GET', 'timeline');
      expect(json.session.id).toBe(eve.session.id);
      expect(JSON.stringify(json)).not.toContain(ada.session.id);
      expect(kindsOf(json)).not.toContain('rotated');
    });

    it("steal only the caller's own session, and nothing without a cookie", async () => {
      const [ada, eve] = [await Visitor.of(service), await Visitor.of(service)];
      const steal = (refreshCookie: string | undefined, token: string) =>
        service.api().send('POST', '/demo/theft', { token, ...(refreshCookie ? { refreshCookie } : {}) });
      for (const cookie of [ada.session.refreshToken, undefined, 'no.such.token', eve.session.accessToken])
        expect((await steal(cookie, eve.session.accessToken)).status).toBe(409);
      expect((await eve.demo('POST', 'theft/replay')).status).toBe(409);
      const native = await newSession(service.api(), { appId: DEMO_APP });
      expect((await steal(native.refreshToken, native.accessToken)).status).toBe(409);
      expect((await ada.refresh()).status).toBe(200);
    });
  });

  it('a lost response is a connection cut after a successful refresh; a retry within the grace period is a replay', async () => {
    const visitor = await Visitor.of(service);
    expect((await visitor.demo('POST', 'lost-response')).status).toBe(204);
    const { answer, lost } = await visitor.refreshUntilAnswered();
    expect(lost).toBeGreaterThan(0);
    expect(answer.json.session.generation).toBe(1);
    const { events } = await visitor.untilTimeline((timeline) => kindsOf(timeline).includes('replayed'));
    expect(events.slice(0, 2)).toMatchObject([
      { kind: 'rotated', generation: 1, caller: 'tab A' },
      { kind: 'response_lost', caller: 'tab A' },
    ]);
    expect((await visitor.refresh()).json.session.generation).toBe(2);
  });

  it('a request that a browser repeats by itself does not count as another lost answer', async () => {
    const visitor = await Visitor.of(service);
    expect((await visitor.demo('POST', 'outage')).status).toBe(204);
    const refresh = (name: string) =>
      visitor.browser.post('/auth/refresh', {}, { headers: { 'x-demo-request': name } }).catch(() => null);
    for (const name of ['tab A 1', 'tab A 1', 'tab A 2']) expect(await refresh(name)).toBeNull();
    const { events } = await visitor.untilTimeline(
      (timeline) => kindsOf(timeline).filter((kind) => kind === 'response_lost').length === 3,
    );
    const lost = events.filter(({ kind }) => kind === 'response_lost');
    expect(lost.map(({ isRepeat = false }) => isRepeat)).toEqual([false, true, false]);
  });

  it('a stolen token within the grace period leads to the same successor; no answer holds a token', async () => {
    const visitor = await Visitor.of(service);
    expect((await visitor.demo('POST', 'theft')).json.stolenGeneration).toBe(0);
    await visitor.refreshAndUse();
    const { theft, timeline } = (await visitor.demo('POST', 'theft/replay')).json;
    expect(theft).toEqual({ outcome: 'accepted', presentedGeneration: 0, generation: 1 });
    expect(timeline.stolenGeneration).toBe(1);
    const { events } = await visitor.untilTimeline((each) => kindsOf(each).includes('replayed'));
    expect(events.find(({ kind }) => kind === 'replayed')).toMatchObject({ caller: 'thief', generation: 1 });
    expect(kindsOf({ ...timeline, events })).toContain('fingerprint_mismatched');
    expect(visitor.answers.length).toBeGreaterThan(3);
    for (const { text, cookies } of visitor.answers) {
      expect(text).not.toContain('eyJ');
      for (const secret of visitor.secrets) expect(text).not.toContain(secret);
      expect(cookies).toEqual([]);
    }
  });
});

describe.each(ADAPTERS)('the demo after the grace period, on %s', (adapter) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter, REFRESH_GRACE_PERIOD: '10s' }, HELD_CLOCK);
  });
  afterAll(() => service.dispose());

  it('an outage outlasts the grace period, and ends in a recovery', async () => {
    const visitor = await Visitor.of(service);
    await visitor.demo('POST', 'outage');
    const { answer, lost } = await visitor.refreshUntilAnswered(() => service.advance(4_000));
    expect(lost).toBeGreaterThan(1);
    expect(answer.json.session.generation).toBe(2);
    const timeline = await visitor.untilTimeline((each) => kindsOf(each).includes('recovered'));
    expect(timeline.events.find(({ kind }) => kind === 'recovered')).toMatchObject({
      presentedGeneration: 0,
    });
  });

  it('a stolen token after the grace period is detected: the session ends, and its last answer gives the reason', async () => {
    const visitor = await Visitor.of(service);
    await visitor.demo('POST', 'theft');
    await visitor.refreshAndUse();
    await service.advance(10_001);
    const { theft, timeline } = (await visitor.demo('POST', 'theft/replay')).json;
    expect(theft).toMatchObject({ outcome: 'refused', code: 'REFRESH_TOKEN_REUSED' });
    expect(timeline).toMatchObject({ session: null, stolenGeneration: null });
    expect(kindsOf(timeline)).toEqual(expect.arrayContaining(['stolen', 'reuse_detected', 'revoked']));
    expectError(await visitor.refresh(), 401, 'SESSION_REVOKED');
    expectError(await visitor.demo('GET', 'timeline'), 401, 'ACCESS_TOKEN_REVOKED');
  });
});

describe.each(ADAPTERS)('without the demo, on %s', (adapter) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter, DEMO: 'off' });
  });
  afterAll(() => service.dispose());

  it('has neither page nor route, and no session is short', async () => {
    const { session, browser } = await Visitor.of(service);
    for (const path of ['/', '/demo/style.css', '/demo/main.js'])
      expectError(await service.api().send('GET', path), 404, 'NOT_FOUND');
    for (const [method, path] of ROUTES)
      expectError(await service.api().send(method, path, { token: session.accessToken }), 404, 'NOT_FOUND');
    const login = await browser.login({ email: session.email, password: PASSWORD, appId: DEMO_APP });
    expect(login.json.expiresIn).toBe(900);
    expect(service.output).not.toContain('in a browser');
  });
});

describe('the demo in production', () => {
  it('is refused at boot, with the fix', async () => {
    const { exitCode, output } = await Service.refusal({ NODE_ENV: 'production', DEMO: 'on' });
    expect(exitCode).toBe(1);
    expect(output).toMatch(/DEMO = 'on': .*leave DEMO out/);
  });
});
