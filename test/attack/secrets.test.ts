import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import {
  anotherSession,
  Browser,
  COOKIE,
  newSession,
  PASSWORD,
  refreshed,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { Service } from '../support/service.js';

const ADMIN_EMAIL = 'root@example.com';
const marked = (name: string) => `${name} ${uniqueEmail('marked')}`;

describe.each(['express', 'fastify'])('secrets on %s, with the most verbose log (ASVS 16.2.5)', (adapter) => {
  let service: Service;

  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      LOG_LEVEL: 'verbose',
      THROTTLE: 'on',
      ADMIN_EMAIL,
      ADMIN_PASSWORD: PASSWORD,
    });
  });
  afterAll(() => service.dispose());

  it('sent through every route, they appear in no log line, no error response, and nowhere in the database', async () => {
    const api = service.api();
    const errors: string[] = [];
    const password = marked('password');
    const wrong = marked('wrong');
    const next = marked('next');
    const secrets = [password, wrong, next];
    const keep = <T extends { status: number; text: string }>(answer: T): T => {
      if (answer.status >= 400) errors.push(answer.text);
      return answer;
    };

    const first = await newSession(api, { password });
    const second = await refreshed(api, first);
    const third = await newSession(api, { password });
    const browser = new Browser(service.origin);
    const cookieSession = sessionOf(
      keep(await browser.login({ email: first.email, password }, { headers: { 'x-note': password } })),
    );
    const device = browser.jar.get('device') ?? '';
    expect(device).not.toBe('');
    for (const { accessToken, refreshToken } of [first, second, third, cookieSession])
      secrets.push(accessToken, refreshToken);
    secrets.push(device);

    // People type their password in the address field: the audit log, which is kept for long, must not
    // contain it.
    const slip = `slip-${marked('typed')}`;
    await api.login({ email: slip, password: wrong });

    const call = { token: second.accessToken };
    keep(await api.login({ email: first.email, password: wrong }));
    keep(await api.login({ email: first.email, password: { $gt: wrong } }));
    keep(await api.register({ email: first.email, password }));
    keep(await api.register({ email: uniqueEmail(), password, surprise: wrong }));
    keep(await api.send('POST', '/auth/login', { raw: `{"email":"a@b.example","password":"${wrong}"` }));
    keep(
      await api.send('POST', '/auth/login', {
        raw: `password=${wrong}`,
        headers: { 'content-type': 'text/plain' },
      }),
    );
    keep(await api.refresh(`${third.refreshToken}x`));
    keep(await api.refreshByCookie(third.refreshToken));
    keep(await api.refresh(third.accessToken));
    keep(await api.send('GET', `/auth/me?access_token=${second.accessToken}`));
    keep(await api.send('GET', `/auth/me?password=${encodeURIComponent(password)}`, call));
    keep(await api.send('GET', `/nowhere?refresh_token=${third.refreshToken}`, call));
    keep(await api.send('DELETE', `/auth/sessions/${third.id}`, call));
    keep(await api.send('GET', '/auth/sessions', call));
    keep(await api.post('/auth/change-password', { currentPassword: wrong, newPassword: next }, call));
    keep(await api.post('/auth/change-password', { currentPassword: password, newPassword: next }, call));
    keep(await api.post('/auth/logout-all', undefined, { token: third.accessToken }));
    keep(
      await api.logout({
        body: { refreshToken: third.refreshToken },
        headers: { cookie: `${COOKIE}=${first.refreshToken}` },
      }),
    );
    const { accessToken: token, refreshToken } = await anotherSession(api, ADMIN_EMAIL);
    secrets.push(token, refreshToken);
    const path = `/auth/admin/users/${first.userId}`;
    const shown = [
      keep(await api.send('GET', `${path}/sessions`, { token })),
      keep(await api.send('POST', `${path}/disable`, { token })),
      keep(await api.send('POST', `${path}/enable`, { token })),
      keep(await api.send('DELETE', `${path}/sessions`, { token })),
      keep(await api.send('GET', '/auth/admin/events?limit=200', { token })),
    ];
    expect(shown.map(({ status }) => status)).toEqual([200, 204, 204, 204, 200]);
    expect(errors.length).toBeGreaterThan(8);

    // A signature is enough to rebuild a token, and its payload contains its secret.
    const pieces = secrets.flatMap((secret) => [
      secret,
      ...secret.split('.').filter((part) => part.length > 40),
    ]);
    const sec = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sec;
    pieces.push(...[first, second, third, cookieSession].map(({ refreshToken }) => sec(refreshToken)));
    const found = (text: string) =>
      pieces.filter((piece) => text.includes(piece) || text.includes(encodeURIComponent(piece)));

    // Rotations are written within a second.
    await service.stop();
    const rows = await everything(service.settings['MONGODB_URI'] ?? '');
    // Proves that the search works: it finds ids and addresses, which are stored.
    expect(rows).toContain(first.userId);
    expect(service.output).toContain('/auth/change-password');
    for (const type of ['refresh_token.rotated', 'login.failed', 'user.disabled', 'records.viewed'])
      expect(rows).toContain(type);
    expect(rows).not.toContain(slip);
    expect(found(shown.map(({ text }) => text).join('\n'))).toEqual([]);
    expect(found(rows)).toEqual([]);
    expect(found(errors.join('\n'))).toEqual([]);
    expect(found(service.output)).toEqual([]);
  });
});

async function everything(uri: string): Promise<string> {
  const client = await MongoClient.connect(uri);
  try {
    const collections = await client.db().listCollections().toArray();
    const rows = await Promise.all(
      collections.map(({ name }) => client.db().collection(name).find().toArray()),
    );
    return JSON.stringify(rows);
  } finally {
    await client.close();
  }
}
