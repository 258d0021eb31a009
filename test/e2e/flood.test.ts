import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  anotherSession,
  type Answer,
  type Api,
  newSession,
  PASSWORD,
  type Session,
  uniqueEmail,
} from '../support/http.js';
import { Service } from '../support/service.js';

const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const SESSIONS = 16;
const AT_ONCE = 9;
const HONEST = 8;
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

describe.each(['express', 'fastify'])('a flood of changes of password, on %s', (adapter) => {
  let service: Service;
  let api: Api;
  let sessions: Session[];
  const honest: string[] = [];

  beforeAll(async () => {
    // Slow hashes: otherwise none would wait.
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      THROTTLE: 'on',
      TRUST_PROXY: 'true',
      BCRYPT_COST: '10',
    });
    api = service.api();
    const first = await newSession(api);
    sessions = [first];
    for (let index = 1; index < SESSIONS; index += 1) sessions.push(await anotherSession(api, first.email));
    for (let index = 0; index < HONEST; index += 1) {
      honest.push(uniqueEmail());
      await newSession(service.api(from(`198.51.100.${index}`).headers), { email: honest[index] });
    }
  });
  afterAll(() => service.dispose());

  it.each([
    ['with a new password that is too weak', PASSWORD, 'short'],
    ['with a wrong current password', 'not the password', NEW_PASSWORD],
  ])('of one account from one address, %s, does not block other logins', async (_case, current, next) => {
    const body = { currentPassword: current, newPassword: next };
    const flood = sessions.flatMap(({ accessToken: token }) =>
      Array.from({ length: AT_ONCE }, () =>
        api.post('/auth/change-password', body, { token, ...from('203.0.113.66') }),
      ),
    );
    const logins: Answer[] = [];
    for (const [index, email] of honest.entries())
      logins.push(await api.login({ email, password: PASSWORD }, from(`198.51.100.${100 + index}`)));
    const refused = (await Promise.all(flood)).map(({ status }) => status);
    expect(logins.map(({ status }) => status)).toEqual(honest.map(() => 200));
    expect(refused.filter((status) => status === 429).length).toBeGreaterThan(100);
    expect(refused.filter((status) => ![400, 401, 429].includes(status))).toEqual([]);
  });
});
