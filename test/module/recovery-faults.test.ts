import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { USER_STORE } from '../../src/core/ports.js';
import { AuthError, type MailMessage, NotificationService, type UserStore } from '../../src/index.js';
import { SessionTerminator } from '../../src/tokens/session-terminator.js';
import { ACTION_TOKEN_STORE, type ActionTokenStore } from '../../src/users/action-token.store.js';
import { HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  expectGuardRefusal,
  PASSWORD,
  type Session,
  uniqueEmail,
} from '../support/http.js';

const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const away = () => new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'a test' });

/**
 * Lets one call of a port fail: before it does anything, or after it has done everything, so that only its answer
 * is lost.
 */
function failOnce<Port extends object, Name extends keyof Port & string>(
  port: Port,
  name: Name,
  when: 'before' | 'after',
): void {
  const method = (port[name] as (...given: unknown[]) => Promise<unknown>).bind(port);
  const restored = port[name];
  port[name] = (async (...given: unknown[]) => {
    port[name] = restored;
    if (when === 'after') await method(...given);
    throw away();
  }) as Port[Name];
}

describe('a database that fails while a link is used', () => {
  let host: HostApp;
  let store: UserStore;
  let tokens: ActionTokenStore;
  let sent: MailMessage[];

  beforeAll(async () => {
    host = await HostApp.start('express', {
      mailer: { send: async (message) => void sent.push(message) },
      emailVerification: 'required',
    });
    store = host.app.get(USER_STORE, { strict: false });
    tokens = host.app.get(ACTION_TOKEN_STORE, { strict: false });
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    sent = [];
  });

  const api = () => host.api();
  const reset = (token: string, newPassword = NEW_PASSWORD) =>
    api().post('/auth/reset-password', { token, newPassword });
  const verify = (token: string) => api().post('/auth/verify-email', { token });
  const login = (email: string, password: string) => api().login({ email, password });
  const mails = async () => {
    await host.app.get(NotificationService).idle();
    return sent.map(({ kind }) => kind);
  };

  async function tokenOf(kind: 'password_reset' | 'email_verification'): Promise<string> {
    await mails();
    const message = sent.findLast((candidate) => candidate.kind === kind);
    if (!message || !('token' in message)) throw new Error(`no ${kind}: ${JSON.stringify(sent)}`);
    return message.token;
  }

  async function registered() {
    const email = uniqueEmail();
    expect((await api().register({ email, password: PASSWORD })).status).toBe(202);
    return { email, token: await tokenOf('email_verification') };
  }

  /** A user with a session, and a link that they requested. */
  async function forgetful() {
    const { email, token: verification } = await registered();
    expect((await verify(verification)).status).toBe(204);
    const session = await anotherSession(api(), email);
    await api().post('/auth/forgot-password', { email });
    const token = await tokenOf('password_reset');
    sent = [];
    return { email, session, token };
  }

  /** The password is set, and then the database fails before anybody is notified. */
  async function setWithoutNotice(token: string): Promise<void> {
    const [setPassword, findById] = [store.setPassword.bind(store), store.findById.bind(store)];
    store.setPassword = async (...change) => {
      await setPassword(...change);
      store.findById = () => Promise.reject(away());
      throw away();
    };
    try {
      expectError(await reset(token), 503, 'TEMPORARILY_UNAVAILABLE');
    } finally {
      Object.assign(store, { setPassword, findById });
    }
  }

  async function expectReset({ email, session }: { email: string; session: Session }): Promise<void> {
    expectGuardRefusal(await api().me(session.accessToken), 'ACCESS_TOKEN_REVOKED');
    expectError(await api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
    expectError(await login(email, PASSWORD), 401, 'INVALID_CREDENTIALS');
    expect((await login(email, NEW_PASSWORD)).status).toBe(200);
  }

  it('does not cost the user the link: a retry sets the password', async () => {
    const user = await forgetful();
    failOnce(store, 'setPassword', 'before');
    expectError(await reset(user.token), 503, 'TEMPORARILY_UNAVAILABLE');
    expect((await login(user.email, PASSWORD)).status).toBe(200);
    expect((await reset(user.token)).status).toBe(204);
    await expectReset(user);
    expectError(await reset(user.token), 400, 'ACTION_TOKEN_INVALID');
  });

  it('is retried if only its answer was lost: the password is set, and the user is notified', async () => {
    const user = await forgetful();
    failOnce(store, 'setPassword', 'after');
    expect((await reset(user.token)).status).toBe(204);
    await expectReset(user);
    expect(await mails()).toContain('password_changed');
  });

  it('keeps a link that has set its password without an answer, and confirms that same password', async () => {
    const user = await forgetful();
    await setWithoutNotice(user.token);
    expect(await mails()).not.toContain('password_changed');
    expect((await reset(user.token)).status).toBe(204);
    await expectReset(user);
    expect((await mails()).filter((kind) => kind === 'password_changed')).toHaveLength(1);
    expectError(await reset(user.token), 400, 'ACTION_TOKEN_INVALID');
  });

  it('sets no second password with such a link, and allows no second guess at the first; the sessions end', async () => {
    const user = await forgetful();
    await setWithoutNotice(user.token);
    expectError(await reset(user.token, `${NEW_PASSWORD}?`), 400, 'ACTION_TOKEN_INVALID');
    expectError(await reset(user.token), 400, 'ACTION_TOKEN_INVALID');
    await expectReset(user);
  });

  it('notifies the owner of every password that is set, whatever is sent with the link afterwards', async () => {
    const user = await forgetful();
    await setWithoutNotice(user.token);
    expectError(await reset(user.token, `${NEW_PASSWORD}?`), 400, 'ACTION_TOKEN_INVALID');
    expectError(await reset(user.token), 400, 'ACTION_TOKEN_INVALID');
    expect((await mails()).filter((kind) => kind === 'password_changed')).toHaveLength(1);
  });

  it('does not notify the owner twice if a retry overtakes the first attempt', async () => {
    const user = await forgetful();
    const terminator = host.app.get(SessionTerminator, { strict: false });
    const endAll = terminator.endAll.bind(terminator);
    let second: Awaited<ReturnType<typeof reset>> | undefined;
    terminator.endAll = async (...given) => {
      terminator.endAll = endAll;
      second = await reset(user.token);
      await endAll(...given);
    };
    expect([(await reset(user.token)).status, second?.status]).toEqual([204, 204]);
    await expectReset(user);
    expect((await mails()).filter((kind) => kind === 'password_changed')).toHaveLength(1);
  });

  it('ends the sessions at the retry if the first attempt could not, and none that began since', async () => {
    const user = await forgetful();
    failOnce(host.app.get(SessionTerminator, { strict: false }), 'endAll', 'before');
    expectError(await reset(user.token), 503, 'TEMPORARILY_UNAVAILABLE');
    const since = await anotherSession(api(), user.email, { password: NEW_PASSWORD });
    expect((await reset(user.token)).status).toBe(204);
    await expectReset(user);
    expect((await api().refresh(since.refreshToken)).status).toBe(200);
    expect((await mails()).filter((kind) => kind === 'password_changed')).toHaveLength(1);
  });

  it('a link that could not be deleted sets no second password', async () => {
    const user = await forgetful();
    failOnce(tokens, 'remove', 'before');
    expect((await reset(user.token)).status).toBe(204);
    expectError(await reset(user.token, `${NEW_PASSWORD}?`), 400, 'ACTION_TOKEN_INVALID');
    await expectReset(user);
  });

  it.each(['before', 'after'] as const)(
    'does not use up a link that verifies an address (%s)',
    async (when) => {
      const { email, token } = await registered();
      failOnce(store as Required<UserStore>, 'setEmailVerifiedAt', when);
      expectError(await verify(token), 503, 'TEMPORARILY_UNAVAILABLE');
      expect((await verify(token)).status).toBe(204);
      expect((await login(email, PASSWORD)).status).toBe(200);
      expectError(await verify(token), 400, 'ACTION_TOKEN_INVALID');
    },
  );

  it.each(['before', 'after'] as const)(
    'a user whose address is verified is not notified of a link that stays (%s)',
    async (when) => {
      const { email, token } = await registered();
      failOnce(tokens, 'remove', when);
      expect((await verify(token)).status).toBe(204);
      expect((await login(email, PASSWORD)).status).toBe(200);
    },
  );
});
