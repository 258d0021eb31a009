import { describe, expect, it } from '@jest/globals';
import { FingerprintCheck } from '../../src/tokens/fingerprint-check.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const names = (world: RotationWorld) => world.events.map(({ name }) => name);

const newWorld = (options: ConstructorParameters<typeof RotationWorld>[1] = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);

describe(FingerprintCheck.name, () => {
  it('survives a key rotation: a match under an older key is stored under the newest', async () => {
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

  it('a change of the features ends no session: it is bound again, from then on to that browser only', async () => {
    const world = newWorld({ fingerprint: { mode: 'enforce' } });
    const showing = (fingerprint: string) => ({ ...CLIENT, fingerprints: [fingerprint] });
    const opened = await world.login(showing('u-key1.mine'));
    const second = await world.refresh(world.token(opened), showing('lu-key1.mine'));
    if (typeof second === 'string') throw new Error(second);
    expect((await world.store.findById(opened.session.id))?.device.fingerprint).toBe('lu-key1.mine');
    expect(names(world)).not.toContain('fingerprint.mismatched');
    expect(await world.refresh(world.token(second), showing('lu-key1.other'))).toBe('SUSPICIOUS_ACTIVITY');
  });

  it('reports another fingerprint, or refuses it in mode enforce', async () => {
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
    expect(typeof (await off.refresh(off.token(await off.login()), other))).toBe('object');
    expect(names(off)).not.toContain('fingerprint.mismatched');
  });

  it('reports a permanently changed browser once, and each other fingerprint separately', async () => {
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
    // Another session of the same browser is reported separately.
    token = world.token(await world.login());
    expect(await show('updated')).toBe(3);
  });

  it('a lost response is recovered for the browser that asked for it, also if it has changed since the login', async () => {
    const world = newWorld();
    const token = world.token(await world.login());
    const changed = { ...CLIENT, fingerprints: ['another language'] };
    expect(typeof (await world.refresh(token, changed))).toBe('object');
    world.now += 60 * SECOND;
    expect(typeof (await world.refresh(token, changed))).toBe('object');
    expect(names(world)).toContain('refresh_token.recovered');
  });

  it.each(['report', 'enforce'] as const)(
    'reports who presented a different fingerprint, and whether the request was refused: %s',
    async (mode) => {
      const world = newWorld({ fingerprint: { mode } });
      const token = world.token(await world.login());
      const thief = { ip: '203.0.113.66', userAgent: 'other', fingerprints: ['other'] };
      await world.refresh(token, thief);
      const generation = 1;
      const source = { ip: thief.ip, userAgent: thief.userAgent };
      expect(world.events.find(({ name }) => name === 'fingerprint.mismatched')?.payload).toEqual({
        userId: 'user-1',
        sessionId: token.sid,
        generation,
        refused: mode === 'enforce',
        source,
      });
    },
  );

  it('a session without a fingerprint continues in any browser, and gets none', async () => {
    const world = newWorld({ fingerprint: { mode: 'enforce' } });
    const opened = await world.login({ ...CLIENT, fingerprints: [] });
    expect(typeof (await world.refresh(world.token(opened)))).toBe('object');
    expect((await world.store.findById(opened.session.id))?.device.fingerprint).toBeNull();
  });

  it('writes nothing while the fingerprint is unchanged, or the request has none', async () => {
    const world = newWorld();
    const written: unknown[] = [];
    world.store.replaceFingerprint = async (...change) => void written.push(change);
    for (const [atLogin, later] of [
      [['f'], ['f']],
      [['f'], []],
      [[], ['f']],
      [[], []],
    ]) {
      const token = world.token(await world.login({ ...CLIENT, fingerprints: atLogin ?? [] }));
      await world.refresh(token, { ...CLIENT, fingerprints: later ?? [] });
    }
    expect(written).toEqual([]);
    const token = world.token(await world.login());
    await world.refresh(token, { ...CLIENT, fingerprints: ['new', 'f'] });
    expect(written).toEqual([[token.sid, 'f', 'new']]);
  });
});
