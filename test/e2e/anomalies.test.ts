import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { anotherSession, newSession, PASSWORD, refreshed, sessionOf } from '../support/http.js';
import { Service } from '../support/service.js';

const ADMIN_EMAIL = 'root@example.com';
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const HOME = '203.0.113.9';

/** Each rule of the module, triggered only by requests and read where an operator reads it. */
describe.each(['express', 'fastify'])('an administrator on %s sees', (HTTP_ADAPTER) => {
  let service: Service;
  let token: string;
  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER,
      ADMIN_EMAIL,
      ADMIN_PASSWORD: PASSWORD,
      TRUST_PROXY: 'true',
      THROTTLE: 'on',
      // Without a grace period, a replaced token is a lost answer or theft.
      REFRESH_GRACE_PERIOD: '0',
    });
    token = (await anotherSession(from('192.0.2.1'), ADMIN_EMAIL)).accessToken;
  });
  afterAll(() => service?.dispose());

  const from = (ip: string, userAgent = CHROME) =>
    service.api({ 'x-forwarded-for': ip, 'user-agent': userAgent });

  /** The events as the audit log shows them to an administrator. */
  const events = async (userId: string, type: string): Promise<readonly object[]> => {
    const query = `userId=${userId}&type=${type}`;
    const answer = await from('192.0.2.1').send('GET', `/auth/admin/events?${query}`, { token });
    return (answer.json as { items: readonly object[] }).items;
  };
  const suspicions = (userId: string) =>
    eventually(
      () => events(userId, 'activity.suspected'),
      (items) => items.length > 0,
    );

  it('an unknown browser on an unknown network in a used session (unfamiliar_client)', async () => {
    let session = await newSession(from(HOME));
    const { userId, id: sessionId } = session;
    for (let use = 0; use < 3; use += 1) session = { ...session, ...(await refreshed(from(HOME), session)) };
    sessionOf(await from('198.51.100.7', 'curl/8.5.0').refresh(session.refreshToken));
    expect(await suspicions(userId)).toMatchObject([
      {
        sessionId,
        reason: 'unfamiliar_client',
        ip: '198.51.100.7',
        userAgent: 'curl/8.5.0',
        evidence: { action: 'report', earlierUses: 4, lastIp: HOME, lastUserAgent: CHROME },
      },
    ]);
  });

  it('sessions that begin in many networks within minutes (scattered_logins)', async () => {
    const { userId, email } = await newSession(from(HOME));
    for (const ip of ['198.51.100.7', '2001:db8:1:2::1', '100.64.3.2']) await anotherSession(from(ip), email);
    expect(await suspicions(userId)).toMatchObject([
      { reason: 'scattered_logins', ip: '100.64.3.2', evidence: { sessions: 4, networks: 4, minutes: 10 } },
    ]);
  });

  it('a client in a loop: far more refreshes than the lifetime of its tokens explains (excessive_refreshes)', async () => {
    let session = await newSession(from(HOME));
    const { userId } = session;
    for (let use = 0; use < 203; use += 1)
      session = { ...session, ...(await refreshed(from(HOME), session)) };
    expect(await suspicions(userId)).toMatchObject([
      { reason: 'excessive_refreshes', ip: HOME, evidence: { rotations: 201, minutes: 10 } },
    ]);
  });

  it('the right password after many wrong ones (login_after_failures)', async () => {
    const { userId, email } = await newSession(from(HOME));
    for (let attempt = 0; attempt < 6; attempt += 1)
      await from('198.51.100.7').login({ email, password: 'seven-Otters-cross-the-road' });
    await anotherSession(from('198.51.100.7'), email);
    expect(await suspicions(userId)).toMatchObject([
      { reason: 'login_after_failures', ip: '198.51.100.7', evidence: { failedAttempts: 6 } },
    ]);
  });

  it('the answer to one generation lost again and again (repeated_recovery)', async () => {
    const session = await newSession(from(HOME));
    const { userId, refreshToken } = session;
    // Every answer is thrown away. Two requests within a millisecond count as a race of tabs.
    const recoveries = await eventually(
      async () => {
        expect((await from(HOME).refresh(refreshToken)).status).toBe(200);
        return events(userId, 'refresh_token.recovered');
      },
      (items) => items.length > 1,
    );
    expect(recoveries.length).toBeGreaterThan(1);
    expect(await suspicions(userId)).toMatchObject([
      { reason: 'repeated_recovery', ip: HOME, evidence: { action: 'report', outcome: 'recovered' } },
    ]);
  });

  it('nothing for a user who logs in on a phone, roams, and updates the browser', async () => {
    let session = await newSession(from(HOME));
    const { userId, email } = session;
    await anotherSession(from('198.51.100.7', 'MobileApp/1.0'), email);
    for (const [ip, version] of [
      [HOME, 140],
      ['198.51.100.8', 140],
      ['100.64.3.2', 141],
      ['2001:db8:1:2::1', 142],
    ] as const) {
      const api = from(ip, CHROME.replace('140', String(version)));
      session = { ...session, ...(await refreshed(api, session)) };
    }
    // One process writes its events in order: once the last one is there, no other is missing.
    await from(HOME).login({ email, password: 'wrong' });
    await eventually(
      () => events(userId, 'login.failed'),
      (items) => items.length === 1,
    );
    expect(await events(userId, 'activity.suspected')).toEqual([]);
  });
});
