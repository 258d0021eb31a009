import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  type AuthenticatedUser,
  AuthEventBus,
  type AuthEvents,
  AuthHttp,
  AuthService,
  type ClientRequest,
  CurrentUser,
  JwtAuthGuard,
  Public,
  RequireFreshAuth,
} from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  type Answer,
  type Api,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
} from '../support/http.js';
import { claimsOf } from '../support/tokens.js';

@Controller('money')
@UseGuards(JwtAuthGuard)
class MoneyController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
  ) {}

  @Get('look')
  look() {
    return { ok: true };
  }

  @Post('send')
  @HttpCode(200)
  @RequireFreshAuth('5m')
  send() {
    return { ok: true };
  }

  @Post('send-much')
  @HttpCode(200)
  @RequireFreshAuth('5m', { amr: ['otp', 'hwk'] })
  sendMuch() {
    return { ok: true };
  }

  /** The host's own second factor. */
  @Post('otp')
  @HttpCode(200)
  async otp(
    @CurrentUser() user: AuthenticatedUser,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ) {
    return this.http.answer(await this.auth.reauthenticate(user, request, { amr: ['otp'] }), response);
  }
}

@RequireFreshAuth(300)
class Vault {
  @Get()
  open() {
    return { ok: true };
  }
}

/** Inherits the requirement, and its routes. */
@Controller('vault')
class VaultController extends Vault {
  @Get('doormat')
  @Public()
  doormat() {
    return { ok: true };
  }
}

describe.each(ADAPTERS)('step-up (RFC 9470), on %s', (adapter) => {
  let host: HostApp;
  const reauthenticated: AuthEvents['user.reauthenticated'][] = [];
  const failed: AuthEvents['login.failed'][] = [];

  beforeAll(async () => {
    host = await HostApp.start(
      adapter,
      { globalGuard: true, throttle: { login: false, failures: { limit: 3, window: '1h' } } as never },
      { controllers: [MoneyController, VaultController] },
    );
    const bus = host.app.get(AuthEventBus);
    const emit = bus.emit.bind(bus);
    bus.emit = async (name, payload) => {
      if (name === 'user.reauthenticated') reauthenticated.push(payload as never);
      if (name === 'login.failed') failed.push(payload as never);
      await emit(name, payload);
    };
  });
  afterAll(() => host.stop());

  /** A session whose user proved who they are an hour ago. */
  const staleSession = async (fields = {}): Promise<Session> => {
    const session = await newSession(host.api(), fields);
    const { auth_time: at } = claimsOf(session.accessToken) as { auth_time: number };
    const authTime = new Date((at - 3600) * 1000);
    await host.connection
      .collection('refresh_tokens')
      .updateOne({ userId: session.userId }, { $set: { authTime } });
    const cookie = (fields as { transport?: string }).transport === 'cookie';
    if (!cookie) return refreshed(host.api(), session);
    const answer = await host.api().refreshByCookie(session.refreshToken);
    return { ...session, accessToken: answer.json.accessToken, refreshToken: answer.cookie()!.value };
  };
  const send = (token: string, path = '/money/send') => host.api().post(path, undefined, { token });
  const reauthenticate = (api: Api, token: string, password = PASSWORD): Promise<Answer> =>
    api.post('/auth/reauthenticate', { password }, { token });

  const expectStepUp = (answer: Answer) => {
    expectError(answer, 401, 'REAUTHENTICATION_REQUIRED');
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", max_age=300',
    );
  };

  it('a fresh login passes, an old one must authenticate again, other routes do not require it', async () => {
    const fresh = await newSession(host.api());
    expect((await send(fresh.accessToken)).status).toBe(200);
    const stale = await staleSession();
    expectStepUp(await send(stale.accessToken));
    // Also from the cache of verified tokens.
    expectStepUp(await send(stale.accessToken));
    expect((await host.api().send('GET', '/money/look', { token: stale.accessToken })).status).toBe(200);
    expectError(await send('no.such.token'), 401, 'ACCESS_TOKEN_INVALID');
  });

  it('a requirement is inherited, and does not apply to public routes', async () => {
    const stale = await staleSession();
    expectStepUp(await host.api().send('GET', '/vault', { token: stale.accessToken }));
    const fresh = await newSession(host.api());
    expect((await host.api().send('GET', '/vault', { token: fresh.accessToken })).status).toBe(200);
    expect((await host.api().send('GET', '/vault/doormat')).status).toBe(200);
  });

  it('the password makes the session fresh: same session, same refresh token, new auth_time', async () => {
    const stale = await staleSession();
    const answer = await reauthenticate(host.api(), stale.accessToken);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      user: { id: stale.userId },
      session: { id: stale.id, generation: 1 },
    });
    expect(answer.json).not.toHaveProperty('refreshToken');
    expect(answer.cookies).toEqual([]);
    expect((await send(answer.json.accessToken)).status).toBe(200);
    // An earlier token keeps its time.
    expectStepUp(await send(stale.accessToken));
    const next = await refreshed(host.api(), stale);
    expect((await send(next.accessToken)).status).toBe(200);
    expect(await host.app.get(AuthService).sessions(stale.userId)).toHaveLength(1);
    const { userId, id: sessionId } = stale;
    expect(reauthenticated.at(-1)).toMatchObject({
      userId,
      sessionId,
      amr: ['pwd'],
      source: { ip: '127.0.0.1' },
    });
  });

  it('keeps the cookie in cookie transport', async () => {
    const stale = await staleSession({ transport: 'cookie' });
    const answer = await reauthenticate(host.api(), stale.accessToken);
    expect([answer.status, answer.cookies]).toEqual([200, []]);
    expect((await send(answer.json.accessToken)).status).toBe(200);
  });

  it('a required method must be among those of the authentication', async () => {
    const fresh = await newSession(host.api());
    expectStepUp(await send(fresh.accessToken, '/money/send-much'));
    const answer = await host.api().post('/money/otp', undefined, { token: fresh.accessToken });
    expect(claimsOf(answer.json.accessToken)).toMatchObject({ amr: ['otp'] });
    expect((await send(answer.json.accessToken, '/money/send-much')).status).toBe(200);
    expect(reauthenticated.at(-1)).toMatchObject({ amr: ['otp'] });
  });

  it('wrong passwords are reported, counted for the account, and locked out', async () => {
    const stale = await staleSession();
    for (let attempts = 0; attempts < 3; attempts += 1) {
      const answer = await reauthenticate(host.api(), stale.accessToken, 'wrong-Otters-cross');
      expectError(answer, 401, 'INVALID_CREDENTIALS');
    }
    expect(failed.at(-1)).toMatchObject({ userId: stale.userId, reason: 'wrong_current_password' });
    expectError(await reauthenticate(host.api(), stale.accessToken), 429, 'TOO_MANY_ATTEMPTS');
    expectStepUp(await send(stale.accessToken));
    expect((await host.api().refresh(stale.refreshToken)).status).toBe(200);
  });

  it('needs a live session and a body', async () => {
    expectError(await reauthenticate(host.api(), 'no.such.token'), 401, 'ACCESS_TOKEN_INVALID');
    const session = await newSession(host.api());
    const token = session.accessToken;
    expectError(await host.api().post('/auth/reauthenticate', {}, { token }), 400, 'VALIDATION_FAILED');
    const ended = { $set: { revokedAt: new Date(), revokedReason: 'ended_by_user' } };
    await host.connection.collection('refresh_tokens').updateOne({ userId: session.userId }, ended);
    expectError(await reauthenticate(host.api(), token), 401, 'ACCESS_TOKEN_REVOKED');
  });

  it('an earlier access token never makes a lost refresh count as received', async () => {
    const session = await staleSession();
    // The answer is lost: the client still has the previous generation's token.
    await host.api().refresh(session.refreshToken);
    const answer = await reauthenticate(host.api(), session.accessToken);
    expect(answer.json.session.generation).toBe(1);
    expect((await send(answer.json.accessToken)).status).toBe(200);
    await host.commandsSettled();
    const stored = await host.connection.collection('refresh_tokens').findOne({ userId: session.userId });
    expect(stored).toMatchObject({ generation: 2, confirmedAt: null });
    expect((await host.api().refresh(session.refreshToken)).status).toBe(200);
  });
});

describe(RequireFreshAuth, () => {
  it.each(['', 'soon', 0, '500ms', -1, NaN])('%j: refused when the class is defined', (maxAge) => {
    expect(() => RequireFreshAuth(maxAge)).toThrow(TypeError);
  });
});
