import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { untilConfirmed } from '../support/confirmation.js';
import { databaseUri } from '../support/database.js';
import {
  anotherSession,
  type Answer,
  type Api,
  expectAccessRevoked,
  expectError,
  expectNoContent,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { HELD_CLOCK, Service } from '../support/service.js';
import { claimsOf } from '../support/tokens.js';

const TABS = 64;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Expects success and the same token in all answers, and returns it. */
function singleSuccessor(answers: Answer[], generation: number): Session {
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  const identities = answers.map(({ json }) => {
    const { sid, sec, gen, iat, exp, abs } = claimsOf(json.refreshToken);
    expect(json.session.generation).toBe(gen);
    return JSON.stringify({ sid, sec, gen, iat, exp, abs });
  });
  expect(new Set(identities).size).toBe(1);
  const [first] = answers;
  if (first === undefined) throw new Error('no answer');
  expect(first.json.session.generation).toBe(generation);
  return sessionOf(first);
}

describe('one token, many requests at once', () => {
  const services: Service[] = [];

  beforeAll(async () => {
    const environment = { MONGODB_URI: databaseUri('race') };
    // Started together: two instances that find an empty database must not conflict.
    const starting = times(2, () => Service.start(environment));
    services.push(...(await Promise.all(starting)));
    for (let more = 0; more < 2; more += 1) services.push(await Service.start(environment));
  }, 240_000);

  afterAll(() => Promise.all(services.map((service) => service.dispose())));

  const among = (count: number, index: number): Api => (services[index % count] as Service).api();
  /** An API client for one of the two processes, in turn. */
  const api = (index: number): Api => among(2, index);

  it(`${TABS} refreshes in one process make exactly one successor, and nobody is logged out`, async () => {
    let session = await newSession(api(0));
    for (const generation of [1, 2, 3]) {
      const { refreshToken } = session;
      const answers = await Promise.all(times(TABS, () => api(0).refresh(refreshToken)));
      session = singleSuccessor(answers, generation);
    }
    const { json } = await api(0).sessions(session.accessToken);
    expect(json).toMatchObject([{ id: session.id, current: true }]);
  });

  test.each([2, 4])(`${TABS} refreshes across %i processes make exactly one successor`, async (count) => {
    let session = await newSession(among(count, 0));
    for (const generation of [1, 2, 3]) {
      const { refreshToken } = session;
      const answers = await Promise.all(times(TABS, (index) => among(count, index).refresh(refreshToken)));
      session = singleSuccessor(answers, generation);
      const accepted = await Promise.all(
        answers.map((answer, index) => among(count, index + 1).me(answer.json.accessToken)),
      );
      expect(accepted.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    }
  });

  it('tabs that hold different generations of one session all end at the current token', async () => {
    const first = await newSession(api(0));
    const second = await refreshed(api(1), first);
    const third = await refreshed(api(0), second);
    const answers = await Promise.all(
      times(TABS, (index) => api(index).refresh((index % 2 === 0 ? first : second).refreshToken)),
    );
    const agreed = singleSuccessor(answers, 2);
    expect(claimsOf(agreed.refreshToken).sec).toBe(claimsOf(third.refreshToken).sec);
  });

  it('many refreshes with a stolen token: one verdict', async () => {
    const chain = [await newSession(api(0))];
    for (let time = 0; time < 6; time += 1) chain.push(await refreshed(api(time), chain.at(-1) as Session));
    const { refreshToken } = chain[0] as Session;
    const answers = await Promise.all(times(16, (index) => api(index).refresh(refreshToken)));
    const codes = answers.map((answer) => answer.json.code);
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 401));
    expect(codes).toContain('REFRESH_TOKEN_REUSED');
    for (const code of codes) expect(['REFRESH_TOKEN_REUSED', 'SESSION_REVOKED']).toContain(code);
    expectError(await api(1).refresh((chain.at(-1) as Session).refreshToken), 401, 'SESSION_REVOKED');
  });

  it('refreshes against a logout: once it is answered, the session issues no tokens, whichever request came first', async () => {
    for (const pause of [0, 0, 1, 2, 4, 8]) {
      const session = await newSession(api(0));
      const racing = times(24, (index) => api(index).refresh(session.refreshToken));
      await delay(pause);
      const logout = await api(1).logout({ body: { refreshToken: session.refreshToken } });
      expectNoContent(logout);
      const after = await Promise.all(times(4, (index) => api(index).refresh(session.refreshToken)));
      for (const answer of after) expectError(answer, 401, 'SESSION_REVOKED');
      const answers = await Promise.all(racing);
      const won = answers.filter((answer) => answer.status === 200).map(sessionOf);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expectError(answer, 401, 'SESSION_REVOKED');
      }
      for (const { refreshToken } of won) {
        expectError(await api(0).refresh(refreshToken), 401, 'SESSION_REVOKED');
      }
      await Promise.all(
        [session, ...won].map(({ accessToken }, index) => expectAccessRevoked(api(index), accessToken)),
      );
    }
  });

  it('refreshes against a logout everywhere: no token issued in between survives it', async () => {
    for (const pause of [0, 2, 6]) {
      const sessions = [await newSession(api(0))];
      const { email, accessToken: token } = sessions[0] as Session;
      sessions.push(await anotherSession(api(0), email), await anotherSession(api(1), email));
      const racing = times(24, (index) => api(index).refresh((sessions[index % 3] as Session).refreshToken));
      await delay(pause);
      expectNoContent(await api(1).send('POST', '/auth/logout-all', { token }));
      const answers = await Promise.all(racing);
      const won = answers.filter((answer) => answer.status === 200).map(sessionOf);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expectError(answer, 401, 'SESSION_REVOKED');
      }
      for (const { refreshToken } of [...sessions, ...won]) {
        expectError(await api(0).refresh(refreshToken), 401, 'SESSION_REVOKED');
      }
      await Promise.all(
        [...sessions, ...won].map(({ accessToken }, index) => expectAccessRevoked(api(index), accessToken)),
      );
      const again = await anotherSession(api(0), email);
      expect((await api(1).me(again.accessToken)).status).toBe(200);
    }
  });

  it('refreshes across four processes against a password change: only its new session survives', async () => {
    for (const pause of [0, 2, 6]) {
      const old = await newSession(among(4, 0));
      const racing = times(24, (index) => among(4, index).refresh(old.refreshToken));
      await delay(pause);
      const body = { currentPassword: PASSWORD, newPassword: 'nine-Herons-over-the-marsh' };
      const changed = await among(4, 1).post('/auth/change-password', body, { token: old.accessToken });
      const fresh = sessionOf(changed);
      const answers = await Promise.all(racing);
      const won = answers.filter((answer) => answer.status === 200).map(sessionOf);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expectError(answer, 401, 'SESSION_REVOKED');
        // The change sets the new cookie, so the refused refresh must not clear it.
        expect(answer.cookies).toEqual([]);
      }
      for (const { refreshToken } of [old, ...won]) {
        expectError(await among(4, 2).refresh(refreshToken), 401, 'SESSION_REVOKED');
      }
      await Promise.all(
        [old, ...won].map(({ accessToken }, index) => expectAccessRevoked(among(4, index), accessToken)),
      );
      expect((await among(4, 3).me(fresh.accessToken)).status).toBe(200);
      expect((await refreshed(among(4, 3), fresh)).id).toBe(fresh.id);
    }
  });

  it('simultaneous logouts are all answered 204', async () => {
    const { refreshToken } = await newSession(api(0));
    const answers = await Promise.all(times(16, (index) => api(index).logout({ body: { refreshToken } })));
    for (const answer of answers) expectNoContent(answer);
  });

  it('simultaneous changes of one password leave one password, and only sessions that follow from it', async () => {
    const { email, accessToken: token } = await newSession(api(0));
    const passwords = times(6, (index) => `${index}-Herons-over-the-marsh`);
    const answers = await Promise.all(
      passwords.map((newPassword, index) =>
        api(index).post('/auth/change-password', { currentPassword: PASSWORD, newPassword }, { token }),
      ),
    );
    for (const answer of answers) expect([200, 401]).toContain(answer.status);
    expect(answers.map((answer) => answer.status)).toContain(200);
    const logins = await Promise.all(
      passwords.map((password) => api(0).login({ email, password, transport: 'body' })),
    );
    expect(logins.filter((answer) => answer.status === 200)).toHaveLength(1);
    const fresh = sessionOf(logins.find((answer) => answer.status === 200) as Answer);
    expect((await refreshed(api(1), fresh)).id).toBe(fresh.id);
  });

  it('simultaneous registrations of one e-mail create one user', async () => {
    const email = uniqueEmail();
    const answers = await Promise.all(
      times(12, (index) =>
        api(index).register({ email: index % 3 === 0 ? email.toUpperCase() : email, password: PASSWORD }),
      ),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expectError(answer, 409, 'EMAIL_TAKEN');
  });

  it('a logout in one process ends the access token in the other within the bound', async () => {
    for (let round = 0; round < 3; round += 1) {
      const session = await newSession(api(0));
      expect((await api(1).me(session.accessToken)).status).toBe(200);
      expectNoContent(await api(0).logout({ body: { refreshToken: session.refreshToken } }));
      await expectAccessRevoked(api(1), session.accessToken);
    }
  });

  it('a password change in one process keeps the new session valid in the other', async () => {
    const old = await newSession(api(0));
    const body = { currentPassword: PASSWORD, newPassword: 'nine-Herons-over-the-marsh' };
    const fresh = sessionOf(await api(0).post('/auth/change-password', body, { token: old.accessToken }));
    await expectAccessRevoked(api(1), old.accessToken);
    expect((await api(1).me(fresh.accessToken)).status).toBe(200);
    expect((await refreshed(api(1), fresh)).id).toBe(fresh.id);
  });
});

describe('proof of receipt across processes', () => {
  it('an access token used at one instance makes the earlier refresh token reuse at the other', async () => {
    const environment = { MONGODB_URI: databaseUri('race'), REFRESH_GRACE_PERIOD: '1m' };
    const services = await Promise.all(times(2, () => Service.start(environment, HELD_CLOCK)));
    try {
      const [here, there] = services.map((service) => service.api()) as [Api, Api];
      const first = await newSession(here);
      const second = await refreshed(here, first);
      expect((await there.me(second.accessToken)).status).toBe(200);
      for (const service of services) {
        await untilConfirmed(service, second);
        await service.advance(60_001);
      }
      expectError(await here.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      expectError(await there.refresh(second.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(there, second.accessToken);
    } finally {
      await Promise.all(services.map((service) => service.dispose()));
    }
  });
});

describe('kill -9', () => {
  /** A client that refreshes with what it last received until the service dies; returns what it then holds. */
  async function useUntilDead(api: Api, session: Session, answered: () => void): Promise<Session> {
    let held = session;
    for (;;) {
      const answer = await api.refresh(held.refreshToken).catch(() => undefined);
      if (answer === undefined) return held;
      held = sessionOf(answer);
      answered();
    }
  }

  /** Kills the process at work, once `count` refreshes are answered. */
  async function killUnderLoad(service: Service, sessions: Session[], count: number): Promise<Session[]> {
    const api = service.api();
    let answers = 0;
    let reached = (): void => undefined;
    const enough = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const clients = sessions.map((session) =>
      useUntilDead(api, session, () => {
        answers += 1;
        if (answers === count) reached();
      }),
    );
    await Promise.race([enough, Promise.all(clients)]);
    await service.kill();
    const held = await Promise.all(clients);
    expect(answers).toBeGreaterThanOrEqual(count);
    return held;
  }

  async function survives(service: Service): Promise<void> {
    const api = service.api();
    let sessions = await Promise.all(times(12, () => newSession(api)));
    for (const count of [60, 97, 141]) {
      const held = await killUnderLoad(service, sessions, count);
      await service.restart();
      const answers = await Promise.all(held.map(({ refreshToken }) => api.refresh(refreshToken)));
      expect(answers.map((answer) => answer.status)).toEqual(held.map(() => 200));
      sessions = answers.map(sessionOf);
      expect(sessions.map(({ id }) => id)).toEqual(held.map(({ id }) => id));
      const accepted = await Promise.all(sessions.map(({ accessToken }) => api.me(accessToken)));
      expect(accepted.map((answer) => answer.status)).toEqual(sessions.map(() => 200));
    }
  }

  it('under load, then a restart: every session that got an answer still refreshes', async () => {
    const service = await Service.start();
    try {
      await survives(service);
    } finally {
      await service.dispose();
    }
  });

  it('of the service together with its embedded database: every session that got an answer still refreshes', async () => {
    const service = await Service.start({ MONGODB_URI: undefined, DATABASE: 'embedded' });
    try {
      await survives(service);
    } finally {
      await service.dispose();
    }
  });

  it('loses no logout that was answered', async () => {
    const service = await Service.start();
    try {
      const api = service.api();
      const session = await newSession(api);
      expectNoContent(await api.logout({ body: { refreshToken: session.refreshToken } }));
      await service.kill();
      await service.restart();
      expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      await expectAccessRevoked(api, session.accessToken);
    } finally {
      await service.dispose();
    }
  });

  it('loses none of the keys that the development service generated', async () => {
    const service = await Service.start({ JWT_ACCESS_KEYS: undefined, JWT_REFRESH_KEYS: undefined });
    try {
      const api = service.api();
      const session = await newSession(api);
      await service.kill();
      await service.restart();
      expect((await api.me(session.accessToken)).status).toBe(200);
      expect((await refreshed(api, session)).id).toBe(session.id);
    } finally {
      await service.dispose();
    }
  });
});
