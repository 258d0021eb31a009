import { describe, expect, it } from '@jest/globals';
import { hashAttempt } from '../../src/core/attempt.js';
import { AuthError } from '../../src/core/errors.js';
import type { RefreshTokenStore, RotationCommand } from '../../src/core/refresh-token.store.js';
import { hashSecret, openSuccessor } from '../../src/core/successor-seal.js';
import { usedAgent } from '../../src/tokens/recent-use.js';
import { RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;

const newWorld = (options: ConstructorParameters<typeof RotationWorld>[1] = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);

const names = (world: RotationWorld) => world.events.map(({ name }) => name);

describe(RefreshTokenService.name, () => {
  it('a disabled or deleted user, or a retired token version, ends the session at its next refresh', async () => {
    for (const change of ['disabled', 'deleted', 'version'] as const) {
      const world = newWorld();
      const token = world.token(await world.login());
      if (!world.user) throw new Error('there is a user');
      if (change === 'deleted') world.user = null;
      else if (change === 'disabled') world.user = { ...world.user, disabledAt: new Date(world.now) };
      else world.user = { ...world.user, tokenVersion: 'v2' };
      expect(await world.refresh(token)).toBe('SESSION_REVOKED');
      expect(world.revokedSessions).toEqual([token.sid]);
      expect((await world.store.findById(token.sid))?.revokedAt).not.toBeNull();
    }
  });

  it("stores the device's whole user agent once, and for each use only enough to distinguish it", async () => {
    const world = newWorld();
    // The cut is between the two halves of a surrogate pair.
    const client = { ...CLIENT, userAgent: `${'a'.repeat(127)}😀${'b'.repeat(127)}` };
    const opened = await world.login(client);
    await world.refresh(world.token(opened), client);
    const session = await world.store.findById(opened.session.id);
    expect(session?.device.userAgent).toBe(client.userAgent);
    const agents = session?.recentUses.map(({ userAgent }) => userAgent);
    expect(agents).toEqual([usedAgent(client.userAgent), usedAgent(client.userAgent)]);
    expect(agents?.map((agent) => [agent?.length, agent?.isWellFormed()])).toEqual([
      [128, true],
      [128, true],
    ]);
  });

  it('completes a revocation whose process crashed before it ended the session', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    world.revokedSessions.push(token.sid);
    expect(await world.refresh(token)).toBe('SESSION_REVOKED');
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('revocation_completed');
  });

  it('a rotation whose answer failed retires the previous generation when it is retried', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const { user } = world;
    const away = () => {
      throw new AuthError('TEMPORARILY_UNAVAILABLE');
    };
    Object.defineProperty(world, 'user', { get: away, configurable: true });
    expect(await world.refresh(token)).toBe('TEMPORARILY_UNAVAILABLE');
    expect((await world.store.findById(token.sid))?.generation).toBe(1);
    Object.defineProperty(world, 'user', { value: user });
    expect(typeof (await world.refresh(token))).toBe('object');
    expect(world.retired).toEqual([`${token.sid}.0`]);
  });

  it('a recovered lost response retires the previous generation, and revokes the lost one', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const lost = await world.refresh(token);
    world.retired.length = 0;
    world.now += 60 * SECOND;
    const recovered = await world.refresh(token);
    if (typeof lost === 'string' || typeof recovered === 'string') throw new Error('both are answered');
    expect(recovered.secret).not.toBe(lost.secret);
    expect(recovered.session.generation).toBe(2);
    expect(names(world)).toContain('refresh_token.recovered');
    expect(world.retired).toEqual([`${token.sid}.0`]);
    expect([...world.revokedGenerations]).toEqual([`${token.sid}.1`]);
  });

  it.each([
    ['replaced', true],
    ['token_version_retired', true],
    ['password_changed', false],
    ['logged_out', false],
    ['evicted', false],
    ['reuse_detected', false],
  ] as const)('a session that ended as %s keeps the cookie: %s', async (reason, keepsCookie) => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.terminator.end('user-1', [token.sid], reason, null);
    const refused = { code: 'SESSION_REVOKED', keepsCookie };
    await expect(world.service.refresh(token, CLIENT)).rejects.toMatchObject(refused);
  });

  it('within the grace period, a late tab with an expired token gets the current one', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 58 * SECOND;
    const first = await world.refresh(token);
    world.now += 3 * SECOND;
    const late = await world.refresh(token);
    expect(typeof late === 'string' ? late : late.secret).toBe(typeof first === 'string' ? '' : first.secret);
  });

  it('an expired token is reported as expired, also if its session was removed', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store, { refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 60 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
    store.sessions.clear();
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
  });

  it('invariant 3: an expired earlier token is theft like any other once its successor was used', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 50 * SECOND;
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 30 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('a lost response is recovered after a change of the features as well', async () => {
    const world = newWorld();
    const token = world.token(await world.login({ ...CLIENT, fingerprints: ['u-key1.mine'] }));
    const later = { ...CLIENT, fingerprints: ['lu-key1.mine'] };
    await world.refresh(token, { ...CLIENT, fingerprints: ['u-key1.mine'] });
    world.now += 60 * SECOND;
    expect(typeof (await world.refresh(token, later))).toBe('object');
    expect(names(world)).toContain('refresh_token.recovered');
  });

  it('detects a thief who rotated in another browser at the owner’s next refresh', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.refresh(token, { ...CLIENT, fingerprints: ['thief'] });
    world.now += 60 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('reuse, scope user: a retry completes a failed revocation, and the theft is still reported', async () => {
    const world = newWorld({ refreshToken: { reuseScope: 'user' } });
    const token = world.token(await world.login());
    const other = world.token(await world.login());
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 11 * SECOND;
    const findLive = world.store.findLive.bind(world.store);
    world.store.findLive = () => Promise.reject(new Error('out of reach'));
    await expect(world.refresh(token)).rejects.toThrow('out of reach');
    expect(names(world)).toContain('refresh_token.reuse_detected');
    world.store.findLive = findLive;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
    expect(await world.refresh(other)).toBe('SESSION_REVOKED');
  });

  it('a rotation that loses its race is retried, twice at most', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    const rotate = store.rotate.bind(store);
    let losses = 2;
    store.rotate = async (command) => (losses-- > 0 ? null : rotate(command));
    expect(typeof (await world.refresh(token))).toBe('object');
    expect(losses).toBe(-1);
  });

  it('a race that cannot be settled is 503, and reported', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    let attempts = 0;
    store.rotate = async () => {
      attempts += 1;
      return null;
    };
    expect(await world.refresh(token)).toBe('TEMPORARILY_UNAVAILABLE');
    expect(attempts).toBe(3);
    expect(world.events.at(-1)).toMatchObject({
      name: 'refresh_token.refused',
      payload: { reason: 'contended', revokedReason: null, presentedGeneration: 0 },
    });
  });

  it('invariant 2: a request that waited for the store is judged by its arrival', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    const rotate = store.rotate.bind(store);
    let proceed = () => {};
    store.rotate = async (command) => {
      await new Promise<void>((resolve) => {
        proceed = resolve;
      });
      return rotate(command);
    };
    const waiting = world.refresh(token);
    store.rotate = rotate;
    const next = await world.refresh(token);
    if (typeof next === 'string') throw new Error(next);
    await store.confirm(token.sid, 1, new Date(world.now));
    world.now += 60 * SECOND;
    proceed();
    expect(await waiting).toMatchObject({ secret: next.secret });
    // A token presented this late counts as theft.
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('gives no verdict with a clock in doubt or right after a standstill: 503, and the session continues', async () => {
    for (const doubt of ['clock', 'standstill'] as const) {
      const world = newWorld();
      const token = world.token(await world.login());
      const next = await world.refresh(token);
      if (typeof next === 'string') throw new Error(next);
      await world.store.confirm(token.sid, 1, new Date(world.now));
      world.now += 11 * SECOND;
      if (doubt === 'clock') world.isClockInDoubt = true;
      else world.standstill.isFreshlyThawed = true;
      expect(await world.refresh(token)).toBe('TEMPORARILY_UNAVAILABLE');
      expect(world.events.at(-1)).toMatchObject({
        name: 'refresh_token.refused',
        payload: { reason: 'process_stood_still' },
      });
      world.isClockInDoubt = false;
      world.standstill.isFreshlyThawed = false;
      expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
    }
  });

  it('trusts a clock without isInDoubt', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 11 * SECOND;
    world.isClockInDoubt = undefined;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('gives no verdict if a standstill came between a request and the answer of the store', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 11 * SECOND;
    const rotate = world.store.rotate.bind(world.store);
    world.store.rotate = async (command) => {
      world.standstill.isFreshlyThawed = true;
      return rotate(command);
    };
    expect(await world.refresh(token)).toBe('TEMPORARILY_UNAVAILABLE');
    expect((await world.store.findById(token.sid))?.revokedAt).toBeNull();
  });

  it('a client that has disconnected is neither served nor judged', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const gone = { ...CLIENT, hasHungUp: () => true };
    expect(await world.refresh(token, gone)).toBe('TEMPORARILY_UNAVAILABLE');
    expect((await world.store.findById(token.sid))?.generation).toBe(0);
    expect(world.events.at(-1)).toMatchObject({ payload: { reason: 'client_gone' } });
  });

  it('in shadow mode, reuse is refused and reported, and ends nothing', async () => {
    const world = newWorld({ refreshToken: { reuse: 'report' } });
    const token = world.token(await world.login());
    const next = await world.refresh(token);
    if (typeof next === 'string') throw new Error(next);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 11 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
    expect(world.events.at(-1)).toMatchObject({
      name: 'refresh_token.reuse_detected',
      payload: { revoked: false, evidence: 'successor_confirmed', presentedGeneration: 0, generation: 1 },
    });
    expect(typeof (await world.refresh(world.token(next)))).toBe('object');
  });

  it.each(['store', 'clock'] as const)(
    'decides by the database’s time, obtained by the %s, whatever the clock of the process says',
    async (way) => {
      const world = newWorld();
      const token = world.token(await world.login());
      let databaseNow = world.now;
      const next = await world.refresh(token);
      if (typeof next === 'string') throw new Error(next);
      await world.store.confirm(token.sid, 1, new Date(world.now));
      world.now += 3600 * SECOND;
      const readTime = async () => databaseNow;
      world.readTime = way === 'clock' ? readTime : async () => world.now;
      if (way === 'store') world.store.readTime = readTime;
      databaseNow += 10 * SECOND;
      expect(await world.refresh(token)).toMatchObject({ secret: next.secret });
      databaseNow += 1;
      expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
    },
  );

  it('a session that expires while a request waits has ended', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store, { refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    await world.refresh(token);
    const rotate = store.rotate.bind(store);
    store.rotate = async (command) => {
      world.now += 60 * SECOND;
      return rotate(command);
    };
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
  });

  it('a token is valid until the exact moment of its expiry', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const [one, other] = [world.token(await world.login()), world.token(await world.login())];
    world.now = one.exp * SECOND - 1;
    expect(typeof (await world.refresh(one))).toBe('object');
    world.now += 1;
    expect(await world.refresh(other)).toBe('REFRESH_TOKEN_EXPIRED');
  });

  it('an expired token of the current secret is expired, although its session lasts longer', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store, { refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    const session = store.sessions.get(token.sid);
    if (!session) throw new Error('there is a session');
    store.sessions.set(token.sid, { ...session, expiresAt: session.absoluteExpiresAt });
    world.now += 60 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
    expect(world.events.at(-1)).toMatchObject({ payload: { reason: 'session_expired' } });
  });

  it('the current secret with another absolute expiry is not a token of this service', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    expect(await world.refresh({ ...token, abs: token.abs + 1 })).toBe('REFRESH_TOKEN_INVALID');
    expect(typeof (await world.refresh(token))).toBe('object');
  });

  it('rotates with one command, which contains everything that the session stores', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    const commands: RotationCommand[] = [];
    const rotate = store.rotate.bind(store);
    store.rotate = async (command) => {
      commands.push(command);
      return rotate(command);
    };
    world.now += 60 * SECOND;
    const answer = await world.refresh(token, CLIENT, { attempt: `${'a'.repeat(21)}A` });
    if (typeof answer === 'string') throw new Error(answer);
    const now = new Date(world.now);
    expect(commands).toEqual([
      {
        sessionId: token.sid,
        ifTokenHash: hashSecret(token.sec),
        ifAbsoluteExpiresAt: new Date(token.abs * SECOND),
        now,
        tokenHash: hashSecret(answer.secret),
        rotatedAt: now,
        predecessor: {
          hash: hashSecret(token.sec),
          gen: token.gen,
          sealed: expect.any(String),
          rotatedAt: now,
          attempt: hashAttempt(`${'a'.repeat(21)}A`),
          displacedAt: null,
        },
        use: { ip: CLIENT.ip, userAgent: CLIENT.userAgent, at: now },
        expiresAt: new Date(world.now + 7 * 86_400 * SECOND),
      },
    ]);
    // Only the holder of the replaced secret can open the seal.
    const sealed = commands[0]?.predecessor.sealed ?? '';
    expect(openSuccessor(token.sec, sealed, token.sid)).toBe(answer.secret);
    // A store with its own time dates the generation.
    world.store.readTime = async () => world.now;
    await world.refresh(world.token(answer));
    expect(commands[1]).toMatchObject({ rotatedAt: null, predecessor: { attempt: null } });
  });

  it('does not extend a fixed idle lifetime, and never exceeds the absolute one', async () => {
    const fixed = newWorld({ refreshToken: { sliding: false } });
    const opened = await fixed.login();
    fixed.now += 60 * SECOND;
    const rotated = await fixed.refresh(fixed.token(opened));
    expect(rotated).toMatchObject({ session: { expiresAt: opened.session.expiresAt } });
    const short = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '90s' } });
    const token = short.token(await short.login());
    short.now += 50 * SECOND;
    const last = await short.refresh(token);
    if (typeof last === 'string') throw new Error(last);
    expect(last.session.expiresAt).toEqual(last.session.absoluteExpiresAt);
  });

  it('`previous` without an attempt proves nothing', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const attempt = `${'a'.repeat(21)}A`;
    await world.refresh(token, CLIENT, { attempt });
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 60 * SECOND;
    expect(await world.refresh(token, CLIENT, { previous: attempt })).toBe('REFRESH_TOKEN_REUSED');
  });

  it('treats a request as relayed only if it says so and the host allows it', async () => {
    for (const [allowRelay, relay, isRelay] of [
      [true, true, true],
      [true, false, false],
      [true, undefined, false],
      [false, true, false],
    ] as const) {
      const world = newWorld({ refreshToken: { allowRelay } });
      const token = world.token(await world.login());
      expect(await world.refresh(token, CLIENT, { relay })).toMatchObject({ isRelay });
      expect(await world.refresh(token, CLIENT, { relay })).toMatchObject({ isRelay });
    }
  });

  it('a client that disconnects while the store is asked is not judged either', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 11 * SECOND;
    let hasHungUp = false;
    const { store } = world;
    const rotate = store.rotate.bind(store);
    store.rotate = async (command) => {
      hasHungUp = true;
      return rotate(command);
    };
    const code = await world.refresh(token, { ...CLIENT, hasHungUp: () => hasHungUp });
    expect(code).toBe('TEMPORARILY_UNAVAILABLE');
    expect((await store.findById(token.sid))?.revokedAt).toBeNull();
  });

  it('decides by the configured rule', () => {
    const refreshToken = { gracePeriod: '3s', lostResponseWindow: '5m' } as const;
    expect(newWorld({ refreshToken, fingerprint: { mode: 'enforce' } }).service.policy).toEqual({
      gracePeriodMs: 3 * SECOND,
      lostResponseWindowMs: 300 * SECOND,
      fingerprintMode: 'enforce',
    });
  });

  it('lists and counts the live sessions, and finds each of them', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const { service } = world;
    const [ended, old] = [await world.login(), await world.login()];
    await world.terminator.end('user-1', [ended.session.id], 'logged_out', null);
    world.now += 1;
    const { session } = await world.login();
    const ids = async () => (await service.list('user-1')).map(({ id }) => id);
    expect(await ids()).toEqual([session.id, old.session.id]);
    expect(await service.countLive(10)).toEqual({ active: 2, isAtLeast: false });
    expect(await service.findLive(old.session.id)).toMatchObject({ id: old.session.id });
    expect(await service.findLive(ended.session.id)).toBeNull();
    world.now = old.session.expiresAt.getTime();
    expect(await ids()).toEqual([session.id]);
    expect(await service.list('user-2')).toEqual([]);
    expect(await service.findLive(old.session.id)).toBeNull();
    expect(await service.findLive(session.id)).toMatchObject({ id: session.id });
    expect(await service.countLive(1)).toEqual({ active: 1, isAtLeast: true });
  });
});

describe('a session that is bound to a key', () => {
  const proving = (id: string, jkt = 'key') => {
    const check = { outcome: 'valid', jkt, id } as const;
    return { ...CLIENT, proof: () => check };
  };

  it('is refreshed only with proofs of its key; requests without one never reach the store', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login(proving('p0')));
    expect(token.cnf).toEqual({ jkt: 'key' });
    const rotate = store.rotate.bind(store);
    store.rotate = () => Promise.reject(new Error('the store was asked'));
    expect(await world.refresh(token)).toBe('PROOF_REQUIRED');
    expect(await world.refresh(token, proving('p1', 'thief'))).toBe('PROOF_REQUIRED');
    expect(world.events.at(-1)).toMatchObject({
      name: 'refresh_token.proof_failed',
      payload: { userId: 'user-1', sessionId: token.sid, reason: 'other_key', source: { ip: CLIENT.ip } },
    });
    store.rotate = rotate;
    const answer = await world.refresh(token, proving('p2'));
    expect(answer).toMatchObject({ session: { jkt: 'key' } });
    expect(store.sessions.get(token.sid)?.recentUses.at(-1)).toMatchObject({ proof: 'p2' });
  });

  it('an intercepted request is refused in every process, because the session remembers its proof', async () => {
    const store = new InMemoryRefreshTokenStore();
    const [one, other] = [new RotationWorld(store), new RotationWorld(store)];
    const token = one.token(await one.login(proving('p0')));
    const answer = await one.refresh(token, proving('p1'));
    if (typeof answer === 'string') throw new Error(answer);
    expect(await other.refresh(token, proving('p1'))).toBe('PROOF_NONCE_REQUIRED');
    expect(other.events.at(-1)).toMatchObject({
      name: 'refresh_token.proof_failed',
      payload: { userId: 'user-1', sessionId: token.sid, reason: 'proof_replayed' },
    });
    // The real client, whose answer was lost, signs a new proof.
    expect(await other.refresh(token, proving('p2'))).toMatchObject({ secret: answer.secret });
    // So is that retry, if it was intercepted.
    expect(await one.refresh(token, proving('p2'))).toBe('PROOF_NONCE_REQUIRED');
    expect(await one.refresh(token, proving('p3'))).toMatchObject({ secret: answer.secret });
  });

  it('answers retries also with a store that has no `recordProof`', async () => {
    const store: RefreshTokenStore = new InMemoryRefreshTokenStore();
    Object.defineProperty(store, 'recordProof', { value: undefined });
    const world = new RotationWorld(store);
    const token = world.token(await world.login(proving('p0')));
    const answer = await world.refresh(token, proving('p1'));
    if (typeof answer === 'string') throw new Error(answer);
    expect(await world.refresh(token, proving('p2'))).toMatchObject({ secret: answer.secret });
  });

  it('other routes require its proof as well', async () => {
    const world = newWorld();
    const bound = world.token(await world.login(proving('p0')));
    const free = world.token(await world.login());
    const asserting = (claims: typeof bound, proof?: ReturnType<typeof proving>['proof']) => () =>
      world.service.assertHolder(claims, proof, null);
    expect(asserting(free)).not.toThrow();
    expect(asserting(bound, proving('p1').proof)).not.toThrow();
    expect(asserting(bound)).toThrow(expect.objectContaining({ code: 'PROOF_REQUIRED' }));
  });
});
