import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttemptingClient } from '../support/attempting-client.js';
import { databaseUri } from '../support/database.js';
import { newSession, type Session, sessionOf } from '../support/http.js';
import { Service } from '../support/service.js';

const GRACE_MS = 1_000;
const CLIENTS = 20;
const ROUNDS = 12;

// The built main file of the service of an earlier release: `git worktree add ../before <commit> && npm ci`
// there.
const { PREVIOUS_SERVICE } = process.env;
const describeIfGiven = PREVIOUS_SERVICE ? describe : describe.skip;

describeIfGiven('a rolling deployment (PREVIOUS_SERVICE names the main file of an earlier build)', () => {
  let before: Service;
  let after: Service;
  beforeAll(async () => {
    const environment = { MONGODB_URI: databaseUri('rolling'), REFRESH_GRACE_PERIOD: `${GRACE_MS}ms` };
    before = await Service.start(environment, [], PREVIOUS_SERVICE);
    after = await Service.start(environment);
  }, 180_000);
  afterAll(async () => {
    await before?.dispose();
    await after?.dispose();
  });

  const either = () => (randomInt(2) === 0 ? before : after);

  it('old clients that use either instance, lose answers and come back late are never logged out', async () => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => newSession(either().api())));
    const play = async (client: Session): Promise<string> => {
      let session = client;
      for (let round = 0; round < ROUNDS; round += 1) {
        const tries = [0, 0, 0, 1, 2][randomInt(5)] ?? 0;
        for (let lost = 0; lost < tries; lost += 1) {
          await either().api().refresh(session.refreshToken);
          if (randomInt(2) === 0) await delay(GRACE_MS + 200);
        }
        const answer = await either().api().refresh(session.refreshToken);
        if (answer.status !== 200) return answer.json.code;
        session = sessionOf(answer);
        // The access token of an answer that was recovered again is revoked, which costs one more refresh.
        if (randomInt(3) > 0) await either().api().me(session.accessToken);
        if (randomInt(4) === 0) await delay(GRACE_MS + 200);
      }
      return 'signed in';
    };
    expect(new Set(await Promise.all(clients.map(play)))).toEqual(new Set(['signed in']));
  }, 240_000);

  it('a session marked with attempts works at an old instance, and comes back', async () => {
    const client = new AttemptingClient(after.api(), await newSession(after.api()));
    for (let time = 0; time < 5; time += 1) await client.refresh();
    for (const service of [before, after, before, after]) {
      client.session = sessionOf(await service.api().refresh(client.session.refreshToken));
      expect((await service.api().me(client.session.accessToken)).status).toBe(200);
      await delay(GRACE_MS + 200);
    }
    client.previous = null;
    expect((await client.refresh()).json.session.generation).toBe(10);
  });

  it('a theft detected by either instance ends the session at both', async () => {
    for (const [one, other] of [
      [before, after],
      [after, before],
    ] as const) {
      const session = await newSession(one.api());
      const next = sessionOf(await other.api().refresh(session.refreshToken));
      const last = sessionOf(await one.api().refresh(next.refreshToken));
      await delay(GRACE_MS + 200);
      expect((await other.api().refresh(session.refreshToken)).json.code).toBe('REFRESH_TOKEN_REUSED');
      expect((await one.api().refresh(last.refreshToken)).json.code).toBe('SESSION_REVOKED');
    }
  });
});
