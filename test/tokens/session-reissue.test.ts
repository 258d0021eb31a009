import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RefreshActivity } from '../../src/core/anomaly.js';
import { hashAttempt } from '../../src/core/attempt.js';
import type { ReissueCommand } from '../../src/core/refresh-token.store.js';
import { hashSecret } from '../../src/core/successor-seal.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { SessionReissue } from '../../src/tokens/session-reissue.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const ELSEWHERE = { ...CLIENT, ip: '203.0.113.66', userAgent: 'other' };
const attempt = (letter: string) => `${letter.repeat(21)}A`;

let store: InMemoryRefreshTokenStore;
let world: RotationWorld;
/** The activities that the anomaly rules examined. */
let activities: RefreshActivity[];

function begin(options: Partial<AuthOptions> = {}) {
  store = new InMemoryRefreshTokenStore();
  activities = [];
  const spy = {
    name: 'spy',
    examine: (activity: unknown) => (activities.push(activity as RefreshActivity), null),
  };
  world = new RotationWorld(store, { anomaly: { rules: [spy] }, ...options });
}
beforeEach(() => begin());

async function login() {
  const token = world.token(await world.login());
  world.now += SECOND;
  return token;
}

async function answered(...[token, client, fields]: Parameters<RotationWorld['refresh']>) {
  const answer = await world.refresh(token, client, fields);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

/** Collects the commands of reissues from now on. */
function reissues(): ReissueCommand[] {
  const commands: ReissueCommand[] = [];
  const carryOut = store.reissue.bind(store);
  store.reissue = async (command) => {
    commands.push(command);
    return carryOut(command);
  };
  return commands;
}

/** A client whose stored token falls back to that of its login, after this many rotations. */
async function fallsBack(rotations = 1) {
  const token = await login();
  let [current, previous] = [token, attempt('a')];
  for (let index = 0; index < rotations; index += 1) {
    previous = attempt(String(index));
    world.now += 60 * SECOND;
    current = world.token(await answered(current, CLIENT, { attempt: previous }));
  }
  await store.confirm(token.sid, rotations, new Date(world.now));
  world.now += 60 * SECOND;
  return { token, fields: { attempt: attempt('z'), previous } };
}

describe(SessionReissue.name, () => {
  it('healed: the client gets a new secret, and all access tokens of the generations in between are revoked', async () => {
    const { token, fields } = await fallsBack(3);
    world.retired.length = 0;
    const before = store.sessions.get(token.sid);
    const { session, secret, isRelay, user } = await answered(token, CLIENT, fields);
    expect(user.id).toBe('user-1');
    expect(isRelay).toBe(false);
    expect(activities.at(-1)).toMatchObject({ outcome: 'healed', isRepeatedRecovery: false });
    expect(session).toMatchObject({ generation: 4, tokenHash: hashSecret(secret), confirmedAt: null });
    expect([...world.revokedGenerations]).toEqual([1, 2, 3].map((gen) => `${token.sid}.${gen}`));
    expect(world.retired).toEqual([`${token.sid}.0`]);
    expect(world.events.at(-1)).toEqual({
      name: 'refresh_token.healed',
      payload: {
        userId: 'user-1',
        sessionId: token.sid,
        generation: 3,
        presentedGeneration: 0,
        replacedAt: before?.predecessors[0]?.rotatedAt,
        confirmedAt: before?.confirmedAt,
        source: { ip: CLIENT.ip, userAgent: CLIENT.userAgent },
      },
    });
  });

  it('the new secret is stored with its attempt, its use and the extended lifetime of the session', async () => {
    const { token, fields } = await fallsBack();
    const commands = reissues();
    await answered(token, CLIENT, fields);
    const now = new Date(world.now);
    expect(commands).toEqual([
      expect.objectContaining({
        ifGeneration: 1,
        ifUnconfirmed: false,
        now,
        rotatedAt: now,
        use: { ip: CLIENT.ip, userAgent: CLIENT.userAgent, at: now },
        expiresAt: new Date(world.now + 7 * DAY),
        sharedUse: null,
      }),
    ]);
    expect(commands[0]?.predecessors).toMatchObject([{ attempt: hashAttempt(fields.attempt) }]);
    expect(commands[0]?.abandoned).toMatchObject([
      { attempt: hashAttempt(fields.attempt), abandonedAt: now },
    ]);
  });

  it('the two seals of a reissue have different nonces', async () => {
    const { token, fields } = await fallsBack();
    const commands = reissues();
    await answered(token, CLIENT, fields);
    const [command] = commands;
    const sealed = [command?.predecessors[0]?.sealed ?? '', command?.abandoned[0]?.sealed ?? ''];
    const nonces = sealed.map((seal) => Buffer.from(seal, 'base64url').subarray(0, 12).toString('hex'));
    expect(new Set(nonces).size).toBe(2);
  });

  it('does not extend a fixed lifetime, and never exceeds the absolute one', async () => {
    begin({ refreshToken: { sliding: false } });
    const fixed = await fallsBack();
    const { expiresAt } = store.sessions.get(fixed.token.sid) ?? {};
    expect((await answered(fixed.token, CLIENT, fixed.fields)).session.expiresAt).toEqual(expiresAt);
    begin({ refreshToken: { idleTtl: '7d', absoluteTtl: '8d' } });
    const short = await fallsBack();
    world.now += 6 * DAY;
    const { session } = await answered(short.token, CLIENT, short.fields);
    expect(session.expiresAt).toEqual(session.absoluteExpiresAt);
  });

  it('lets a store with its own time date the generation', async () => {
    const { token, fields } = await fallsBack();
    world.store.readTime = async () => world.now;
    const commands = reissues();
    await answered(token, CLIENT, fields);
    expect(commands[0]?.rotatedAt).toBeNull();
  });

  it('displaced: the owner takes the session back from another attempt, and the event names the other use', async () => {
    const token = await login();
    await answered(token, ELSEWHERE, { attempt: attempt('t') });
    const stolenAt = new Date(world.now);
    world.now += 60 * SECOND;
    const commands = reissues();
    await answered(token, CLIENT, { attempt: attempt('a') });
    // Had the other client used its token, nothing would be taken back.
    expect(commands).toMatchObject([{ ifUnconfirmed: true }]);
    const other = { ip: ELSEWHERE.ip, userAgent: ELSEWHERE.userAgent, at: stolenAt };
    expect(world.events.at(-1)).toMatchObject({ name: 'refresh_token.displaced', payload: { other } });
    expect([...world.revokedGenerations]).toEqual([`${token.sid}.1`]);
    expect(activities.at(-1)).toMatchObject({
      outcome: 'displaced',
      madeBy: other,
      isRepeatedRecovery: false,
      sharedGenerations: 0,
    });
    expect(activities.at(-1)?.earlierUses).toHaveLength(2);
  });

  it('recovered: a repeated loss for the same token is marked in the event', async () => {
    const token = await login();
    await answered(token);
    for (const [generation, repeated] of [
      [1, false],
      [2, true],
      [3, true],
    ] as const) {
      world.now += 60 * SECOND;
      await answered(token);
      expect(world.events.at(-1)).toMatchObject({
        name: 'refresh_token.recovered',
        payload: { generation, presentedGeneration: 0, repeated },
      });
      expect(activities.at(-1)).toMatchObject({ outcome: 'recovered', isRepeatedRecovery: repeated });
    }
  });

  it('recovered: a recovery counts as repeated only for the same token', async () => {
    let token = await login();
    for (const generation of [2, 4]) {
      await answered(token);
      world.now += 60 * SECOND;
      token = world.token(await answered(token));
      expect(token.gen).toBe(generation);
      expect(world.events.at(-1)).toMatchObject({ payload: { repeated: false } });
      world.now += 60 * SECOND;
    }
  });

  it('recovered for a network other than the one that made it: one more shared generation', async () => {
    const token = await login();
    await answered(token, ELSEWHERE);
    world.now += 60 * SECOND;
    const first = await answered(token);
    expect(activities.at(-1)).toMatchObject({ outcome: 'recovered', sharedGenerations: 1 });
    // The next shared generation is the one after the new one.
    expect(first.session.sharedUse).toMatchObject({ generation: 2, generations: 1 });
    const next = world.token(first);
    world.now += 60 * SECOND;
    await answered(next, ELSEWHERE);
    world.now += 60 * SECOND;
    const second = await answered(next);
    expect(activities.at(-1)).toMatchObject({ outcome: 'recovered', sharedGenerations: 2 });
    expect(second.session.sharedUse).toMatchObject({ generation: 4, generations: 2 });
  });

  it('healed in another network: the attempt proves that it is one client, so nothing is shared', async () => {
    const { token, fields } = await fallsBack();
    const { session } = await answered(token, { ...CLIENT, ip: ELSEWHERE.ip }, fields);
    expect(session.sharedUse).toBeNull();
    expect(activities.at(-1)).toMatchObject({ outcome: 'healed', sharedGenerations: 0 });
  });

  it('revokes before it writes: a crash in between leaves no valid access token', async () => {
    const { token, fields } = await fallsBack();
    world.retired.length = 0;
    store.reissue = () => Promise.reject(new Error('out of reach'));
    await expect(world.refresh(token, CLIENT, fields)).rejects.toThrow('out of reach');
    expect([...world.revokedGenerations]).toEqual([`${token.sid}.1`]);
    expect(world.retired).toEqual([]);
  });

  describe('healed again and again', () => {
    /** Presents the token of the login once more; returns the generations that this request revoked. */
    async function again({ token, fields }: Awaited<ReturnType<typeof fallsBack>>, from = world) {
      world.revokedGenerations.clear();
      from.revokedGenerations.clear();
      expect(await from.refresh(token, CLIENT, fields)).toMatchObject({ user: { id: 'user-1' } });
      return [...from.revokedGenerations].map((each) => Number(each.split('.')[1]));
    }
    const next = ({ token, fields }: Awaited<ReturnType<typeof fallsBack>>, letter: string) => ({
      token,
      fields: { attempt: attempt(letter), previous: fields.attempt },
    });

    it('writes one revocation for each request, not one for each earlier generation', async () => {
      let fallen = await fallsBack(3);
      expect(await again(fallen)).toEqual([1, 2, 3]);
      for (const [index, letter] of ['b', 'c', 'd', 'e'].entries()) {
        fallen = next(fallen, letter);
        expect(await again(fallen)).toEqual([4 + index]);
      }
    });

    it('also revokes what was rotated in between', async () => {
      const fallen = await fallsBack();
      const healed = await answered(fallen.token, CLIENT, fallen.fields);
      const rotation = { attempt: attempt('r'), previous: fallen.fields.attempt };
      await answered(world.token(healed), CLIENT, rotation);
      world.now += 60 * SECOND;
      const fields = { attempt: attempt('s'), previous: rotation.attempt };
      expect(await again({ token: fallen.token, fields })).toEqual([2, 3]);
    });

    it('writes again what an earlier request revoked, but did not abandon', async () => {
      const fallen = await fallsBack(2);
      const reissue = store.reissue.bind(store);
      store.reissue = () => Promise.reject(new Error('out of reach'));
      await expect(world.refresh(fallen.token, CLIENT, fallen.fields)).rejects.toThrow('out of reach');
      store.reissue = reissue;
      expect(await again(fallen)).toEqual([1, 2]);
    });

    it('writes again what another process revoked', async () => {
      const fallen = await fallsBack(2);
      const process = new RotationWorld(store);
      process.now = world.now;
      expect(await again(fallen, process)).toEqual([1, 2]);
      expect(await again(next(fallen, 'b'))).toEqual([1, 2, 3]);
    });
  });

  it('decides again if the session has changed in the meantime', async () => {
    const token = await login();
    await answered(token, ELSEWHERE, { attempt: attempt('t') });
    world.now += 60 * SECOND;
    const reissue = store.reissue.bind(store);
    store.reissue = async (command) => {
      await store.confirm(token.sid, 1, new Date(world.now));
      return reissue(command);
    };
    // The other client came first, and its token is in use.
    expect(await world.refresh(token, CLIENT, { attempt: attempt('a') })).toBe('REFRESH_TOKEN_REUSED');
    expect(world.events.map(({ name }) => name)).not.toContain('refresh_token.displaced');
  });

  it('passes on that a server asked on behalf of a browser', async () => {
    begin({ refreshToken: { allowRelay: true } });
    const { token, fields } = await fallsBack();
    expect((await answered(token, CLIENT, { ...fields, relay: true })).isRelay).toBe(true);
  });

  it('a session that must not continue is not reissued', async () => {
    const { token, fields } = await fallsBack();
    if (!world.user) throw new Error('there is a user');
    world.user = { ...world.user, disabledAt: new Date(world.now) };
    expect(await world.refresh(token, CLIENT, fields)).toBe('SESSION_REVOKED');
    expect(store.sessions.get(token.sid)?.generation).toBe(1);
  });
});
