import { describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/core/errors.js';
import { usedAgent } from '../../src/core/recent-use.js';
import { RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const DAY = 86_400 * SECOND;

const newWorld = (options: ConstructorParameters<typeof RotationWorld>[1] = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);

const names = (world: RotationWorld) => world.events.map(({ name }) => name);

describe(RefreshTokenService.name, () => {
  it('a disabled, a deleted user and a retired token version end the session at its next refresh', async () => {
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

  it('remembers the whole user agent of the device once, and of each use as much as tells them apart', async () => {
    const world = newWorld();
    // The cut falls between the halves of a character.
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

  it('whoever revoked the tokens and crashed before ending the session is finished for', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    world.revokedSessions.push(token.sid);
    expect(await world.refresh(token)).toBe('SESSION_REVOKED');
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('revocation_completed');
  });

  it('a rotation whose answer failed retires the generation before when it is asked for again', async () => {
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

  it('a late tab whose token expired after another tab replaced it gets the current one, within the grace', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 58 * SECOND;
    const first = await world.refresh(token);
    world.now += 3 * SECOND;
    const late = await world.refresh(token);
    expect(typeof late === 'string' ? late : late.secret).toBe(typeof first === 'string' ? '' : first.secret);
  });

  it('an expired token of a session that nobody renewed is expired, and of one that is gone too', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store, { refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 60 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
    store.sessions.clear();
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_EXPIRED');
  });

  it('invariant 3: an expired earlier token is theft like any other, once its successor was used', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '60s', absoluteTtl: '1h' } });
    const token = world.token(await world.login());
    world.now += 50 * SECOND;
    await world.refresh(token);
    await world.store.confirm(token.sid, 1, new Date(world.now));
    world.now += 30 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('a rotation of keys trips no fingerprint: what matched under an older key is kept under the newest', async () => {
    const world = newWorld({ fingerprint: { mode: 'enforce' } });
    const under = (...fingerprints: string[]) => ({ ...CLIENT, fingerprints });
    const opened = await world.login(under('old'));
    const second = await world.refresh(world.token(opened), under('new', 'old'));
    if (typeof second === 'string') throw new Error(second);
    expect((await world.store.findById(opened.session.id))?.device.fingerprint).toBe('new');
    const third = await world.refresh(world.token(second), under('new'));
    expect(typeof third).toBe('object');
    expect(names(world)).not.toContain('fingerprint.mismatched');
  });

  it('a change of the features ends no session: it is bound again, and from then on to that browser alone', async () => {
    const world = newWorld({ fingerprint: { mode: 'enforce' } });
    const showing = (fingerprint: string) => ({ ...CLIENT, fingerprints: [fingerprint] });
    const opened = await world.login(showing('u-key1.mine'));
    const second = await world.refresh(world.token(opened), showing('lu-key1.mine'));
    if (typeof second === 'string') throw new Error(second);
    expect((await world.store.findById(opened.session.id))?.device.fingerprint).toBe('lu-key1.mine');
    expect(names(world)).not.toContain('fingerprint.mismatched');
    expect(await world.refresh(world.token(second), showing('lu-key1.other'))).toBe('SUSPICIOUS_ACTIVITY');
  });

  it('a lost response is made good after a change of the features as before', async () => {
    const world = newWorld();
    const token = world.token(await world.login({ ...CLIENT, fingerprints: ['u-key1.mine'] }));
    const later = { ...CLIENT, fingerprints: ['lu-key1.mine'] };
    await world.refresh(token, { ...CLIENT, fingerprints: ['u-key1.mine'] });
    world.now += 60 * SECOND;
    expect(typeof (await world.refresh(token, later))).toBe('object');
    expect(names(world)).toContain('refresh_token.recovered');
  });

  it('another fingerprint is reported, or refused where that is enforced', async () => {
    const other = { ...CLIENT, fingerprints: ['other'] };
    const reporting = newWorld();
    expect(typeof (await reporting.refresh(reporting.token(await reporting.login()), other))).toBe('object');
    expect(reporting.events.at(-1)).toMatchObject({ name: 'refresh_token.rotated' });
    expect(names(reporting)).toContain('fingerprint.mismatched');
    const enforcing = newWorld({ fingerprint: { mode: 'enforce' } });
    expect(await enforcing.refresh(enforcing.token(await enforcing.login()), other)).toBe(
      'SUSPICIOUS_ACTIVITY',
    );
    const off = newWorld({ fingerprint: { mode: 'off' } });
    await off.refresh(off.token(await off.login()), other);
    expect(names(off)).not.toContain('fingerprint.mismatched');
  });

  it('a browser that has changed for good is told of once, and each other one anew', async () => {
    const world = newWorld();
    let token = world.token(await world.login());
    const show = async (...shown: string[]) => {
      world.now += 15 * 60 * SECOND;
      const opened = await world.refresh(token, { ...CLIENT, fingerprints: shown });
      if (typeof opened === 'string') throw new Error(opened);
      token = world.token(opened);
      return names(world).filter((name) => name === 'fingerprint.mismatched').length;
    };
    expect(await show('updated')).toBe(1);
    expect(await show('updated')).toBe(1);
    expect(await show('thief')).toBe(2);
    expect(await show('updated')).toBe(2);
    expect(await show('thief')).toBe(2);
    expect(await show('updated')).toBe(2);
    // Another session of the same browser is another matter.
    token = world.token(await world.login());
    expect(await show('updated')).toBe(3);
  });

  it('a lost response is made good for the browser that asked for it, also where it has changed since the login', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const changed = { ...CLIENT, fingerprints: ['another language'] };
    expect(typeof (await world.refresh(token, changed))).toBe('object');
    world.now += 60 * SECOND;
    expect(typeof (await world.refresh(token, changed))).toBe('object');
    expect(names(world)).toContain('refresh_token.recovered');
  });

  it('whoever took a token and rotated from another browser is found at the owner’s next refresh, used or not', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    await world.refresh(token, { ...CLIENT, fingerprints: ['thief'] });
    world.now += 60 * SECOND;
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('reuse, scope user: a failure half-way is found again by a retry, and the alarm is raised all the same', async () => {
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

  it('a race that cannot be settled is 503, and told', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    store.rotate = async () => null;
    expect(await world.refresh(token)).toBe('TEMPORARILY_UNAVAILABLE');
    expect(world.events.at(-1)).toMatchObject({
      name: 'refresh_token.refused',
      payload: { reason: 'contended', revokedReason: null, presentedGeneration: 0 },
    });
  });

  it('invariant 2: a request that waited for the store is judged by when it came', async () => {
    const store = new InMemoryRefreshTokenStore();
    const world = new RotationWorld(store);
    const token = world.token(await world.login());
    const rotate = store.rotate.bind(store);
    let go = () => {};
    store.rotate = async (command) => {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return rotate(command);
    };
    const waiting = world.refresh(token);
    store.rotate = rotate;
    const next = await world.refresh(token);
    if (typeof next === 'string') throw new Error(next);
    await store.confirm(token.sid, 1, new Date(world.now));
    world.now += 60 * SECOND;
    go();
    expect(await waiting).toMatchObject({ secret: next.secret });
    // Who comes as late as that is a thief.
    expect(await world.refresh(token)).toBe('REFRESH_TOKEN_REUSED');
  });

  it('reuse in shadow mode refuses and reports, and ends nothing', async () => {
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

  it('a session that takes the place of another ends it as replaced, also where one is all a user may have', async () => {
    const world = newWorld({ sessions: { maxPerUser: 1 } });
    const opened = await world.login();
    if (!world.user) throw new Error('there is a user');
    await world.service.open(world.user, { transport: 'cookie' }, CLIENT, opened.session.id);
    expect((await world.store.findById(opened.session.id))?.revokedReason).toBe('replaced');
  });

  it('a login never ends itself, whatever the clock of another process says', async () => {
    const world = newWorld({ sessions: { maxPerUser: 1 } });
    world.now += DAY;
    const ahead = await world.login();
    world.now -= DAY;
    const opened = await world.login();
    expect((await world.store.findById(opened.session.id))?.revokedAt).toBeNull();
    expect(await world.service.findLive(ahead.session.id)).not.toBeNull();
  });

  it('who ends what has ended already announces nothing', async () => {
    const world = newWorld();
    const { session } = await world.login();
    await world.terminator.end('user-1', [session.id], 'logged_out', null);
    await world.terminator.end('user-1', [session.id], 'ended_by_user', null);
    expect(world.events.filter(({ name }) => name === 'session.revoked')).toHaveLength(1);
    // The entry is written again all the same.
    expect(world.revokedSessions).toEqual([session.id, session.id]);
  });
});
