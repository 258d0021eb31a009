import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { eventually } from '../support/eventually.js';
import {
  Api,
  expectAccessRevoked,
  expectError,
  newSession,
  refreshed,
  type Session,
  sessionOf,
} from '../support/http.js';
import { LossyLine } from '../support/lossy-line.js';
import { HELD_CLOCK, Service } from '../support/service.js';
import { claimsOf } from '../support/tokens.js';

const GRACE_MS = 60_000;

async function until(isSo: () => boolean): Promise<void> {
  expect(await eventually(async () => isSo(), Boolean)).toBe(true);
}

describe('an answer that is lost', () => {
  let line: DatabaseProxy;
  /** A service behind a faulty database connection. */
  let near: Service;
  let far: Service;

  beforeAll(async () => {
    const uri = databaseUri('lost');
    line = await DatabaseProxy.openTo(uri);
    const environment = { REFRESH_GRACE_PERIOD: `${GRACE_MS}ms`, LOG_LEVEL: 'debug' };
    near = await Service.start({ ...environment, MONGODB_URI: line.uri }, HELD_CLOCK);
    far = await Service.start({ ...environment, MONGODB_URI: uri }, HELD_CLOCK);
  }, 180_000);

  afterEach(() => {
    line.thaw();
    line.restore();
  });

  afterAll(async () => {
    await near?.dispose();
    await far?.dispose();
    await line?.close();
  });

  async function beyondGrace(): Promise<void> {
    for (const service of [near, far]) await service.advance(GRACE_MS + 1);
  }

  /** Expects that the client can continue with its session at either instance. */
  async function expectToGoOn(held: Session, generation: number): Promise<void> {
    const next = await refreshed(far.api(), held);
    expect(claimsOf(next.refreshToken)).toMatchObject({ sid: held.id, gen: generation });
    expect((await near.api().me(next.accessToken)).status).toBe(200);
    expect((await refreshed(near.api(), next)).id).toBe(held.id);
  }

  it.each([
    ['whole', 0],
    ['in its headers', 40],
    ['in its body', 900],
  ])(
    'on the way to the client, %s: it is repeated, within the grace period and after it',
    async (_, bytes) => {
      for (const pause of [async () => {}, beyondGrace]) {
        const session = await newSession(near.api());
        const lossy = await LossyLine.open(near.origin, bytes);
        await expect(new Api(lossy.origin).refresh(session.refreshToken)).rejects.toThrow();
        const lost = await lossy.lost;
        lossy.close();
        if (!lost) throw new Error('the service did not answer');
        await pause();
        const again = sessionOf(await near.api().refresh(session.refreshToken));
        const isSame = claimsOf(again.refreshToken).sec === claimsOf(sessionOf(lost).refreshToken).sec;
        expect(isSame).toBe(pause !== beyondGrace);
        await expectToGoOn(again, isSame ? 2 : 3);
      }
    },
  );

  it('three times in a row, each after the grace period: it is repeated a fourth time', async () => {
    const session = await newSession(near.api());
    for (let time = 0; time < 3; time += 1) {
      const lossy = await LossyLine.open(near.origin);
      await expect(new Api(lossy.origin).refresh(session.refreshToken)).rejects.toThrow();
      expect((await lossy.lost)?.status).toBe(200);
      lossy.close();
      await beyondGrace();
    }
    await expectToGoOn(session, 4);
  });

  it('on the way from the database, after the rotation: 200 or 503, and the session continues', async () => {
    const session = await newSession(near.api());
    line.loseAnswerTo('findAndModify');
    const answer = await near.api().refresh(session.refreshToken);
    expect(line.isWaitingToLose).toBe(false);
    if (answer.status !== 200) expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
    await beyondGrace();
    await expectToGoOn(session, 2);
  });

  it('because the process was killed before it had the answer: the session continues at the other instance', async () => {
    const session = await newSession(near.api());
    line.loseAnswerTo('findAndModify');
    const refresh = near
      .api()
      .refresh(session.refreshToken)
      .catch(() => undefined);
    await until(() => !line.isWaitingToLose);
    await near.kill();
    await refresh;
    await near.restart();
    await beyondGrace();
    await expectToGoOn(session, 2);
  }, 180_000);

  it('because the database was unreachable: 503, the cookie is kept, and the session continues once it is back', async () => {
    const session = await newSession(near.api());
    line.cut();
    expectError(await near.api().refresh(session.refreshToken), 503, 'TEMPORARILY_UNAVAILABLE');
    line.restore();
    let answer = await near.api().refresh(session.refreshToken);
    while (answer.status === 503) answer = await near.api().refresh(session.refreshToken);
    await expectToGoOn(sessionOf(answer), 2);
  });

  it('of a request that waits for the database too long: its client has moved on, and nobody is accused', async () => {
    const session = await newSession(near.api());
    line.freeze();
    const gaveUp = new AbortController();
    const waiting = near.api().refresh(session.refreshToken, { signal: gaveUp.signal });
    const outcome = expect(waiting).rejects.toThrow();
    await until(() => line.isHolding('findAndModify'));
    gaveUp.abort();
    await outcome;
    const next = await refreshed(far.api(), session);
    expect((await far.api().me(next.accessToken)).status).toBe(200);
    await beyondGrace();
    const before = near.output.length;
    line.thaw();
    const verdict = /refresh_token\.(replayed|recovered|reuse_detected|refused).*/;
    let logged: RegExpExecArray | null = null;
    await until(() => (logged = verdict.exec(near.output.slice(before))) !== null);
    expect(logged?.[0]).toMatch(/refused.*client_gone/);
    await expectToGoOn(next, 2);
  });

  it('of a detected theft: the process is killed before it ends the session, and the next use ends it', async () => {
    const session = await newSession(near.api());
    const next = await refreshed(near.api(), session);
    const third = await refreshed(near.api(), next);
    await beyondGrace();
    line.loseAnswerTo(`sid:${session.id}`);
    const theft = near
      .api()
      .refresh(session.refreshToken)
      .catch(() => undefined);
    await until(() => !line.isWaitingToLose);
    await near.kill();
    await theft;
    await near.restart();
    const answer = await far.api().refresh(session.refreshToken);
    expect(['REFRESH_TOKEN_REUSED', 'SESSION_REVOKED']).toContain(answer.json.code);
    expectError(await far.api().refresh(third.refreshToken), 401, 'SESSION_REVOKED');
    await expectAccessRevoked(far.api(), third.accessToken);
  }, 180_000);
});
