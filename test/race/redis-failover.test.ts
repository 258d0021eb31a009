import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { AuthModule, type AuthOptions, RedisRevocationStore } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { authOptions, HostApp } from '../support/host-app.js';
import { type Answer, type Api, newSession, type Session } from '../support/http.js';
import { RedisClusterGroup, type RedisGroup, RedisSentinelGroup } from '../support/redis-group.js';
import { hasRedis } from '../support/redis-server.js';
import { ACCESS_SECRET, AUDIENCE, ISSUER, REFRESH_SECRET, Service } from '../support/service.js';

/** `docs/scaling.md`: how long a process started after the failover may accept what was lost in it. */
const HEALS_WITHIN_MS = 10_000;
const HONEST_CLIENTS = 6;
const LEAVERS = 60;

const KINDS: [string, () => Promise<RedisGroup>][] = [
  ['a Cluster', () => RedisClusterGroup.start('{silent-auth:revoked}')],
  ['Sentinels', () => RedisSentinelGroup.start()],
];

const guarded = (api: Api, token: string): Promise<Answer> => api.me(token);

/** Processes that share revocations through one Redis group. */
class Processes {
  private readonly ends: (() => Promise<unknown>)[] = [];
  private readonly uri = databaseUri('failover');

  constructor(private readonly group: RedisGroup) {}

  async addService(): Promise<Api> {
    const settings = { REVOCATION_STORE: 'redis', REDIS_URL: this.group.url, MONGODB_URI: this.uri };
    const service = await Service.start(settings);
    this.ends.push(() => service.dispose());
    return service.api();
  }

  async addHost(): Promise<Api> {
    const client = await this.group.connect();
    this.ends.push(async () => client.destroy());
    const revocation: AuthOptions['revocation'] = { store: new RedisRevocationStore({ client }) };
    const keys = { access: [ACCESS_SECRET], refresh: [REFRESH_SECRET] };
    const options = authOptions({ issuer: ISSUER, audience: AUDIENCE, keys, revocation });
    const host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, this.uri);
    this.ends.push(() => host.stop());
    return host.api();
  }

  async end(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
  }
}

/** Clients that use their tokens until the test ends. */
class Load {
  readonly statuses = new Map<number, number>();
  readonly acknowledged: Session[] = [];
  private isOver = false;
  private readonly work: Promise<unknown>[] = [];

  constructor(private readonly apis: readonly [Api, Api]) {}

  begin(honest: Session[], leavers: Session[]): void {
    this.work.push(...honest.map((_, index) => this.stay(honest, index)), this.leave(leavers));
  }

  async end(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.work);
  }

  /** @returns whether it was acknowledged; 401 means that this process knows the revocation from an earlier try */
  async logOut(leaver: Session, api: Api): Promise<boolean> {
    const answer = await api.logout({ token: leaver.accessToken });
    if (answer.status !== 401) this.count(answer);
    if (answer.status === 204) this.acknowledged.push(leaver);
    return answer.status === 204;
  }

  private async stay(honest: Session[], index: number): Promise<void> {
    for (let round = 0; !this.isOver; round += 1) {
      const api = this.apis[round % 2] as Api;
      const mine = honest[index] as Session;
      this.count(await guarded(api, mine.accessToken));
      if (round % 4 === 3) {
        const answer = this.count(await api.refresh(mine.refreshToken));
        if (answer.status === 200) honest[index] = { ...mine, ...answer.json };
      }
      await delay(20);
    }
  }

  private async leave(leavers: Session[]): Promise<void> {
    for (let turn = 0; !this.isOver && leavers.length > 0; turn += 1) {
      await this.logOut(leavers.shift() as Session, this.apis[turn % 2] as Api);
      await delay(100);
    }
  }

  private count(answer: Answer): Answer {
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    return answer;
  }
}

async function areRefused(api: Api, sessions: readonly Session[]): Promise<boolean> {
  const answers = await Promise.all(sessions.map(({ accessToken }) => guarded(api, accessToken)));
  return answers.every(({ status }) => status === 401);
}

(hasRedis ? describe : describe.skip).each(KINDS)('revocations in Redis, behind %s', (_, start) => {
  it('survive the primary: no token of an acknowledged logout works again, and nobody else is logged out', async () => {
    const group = await start();
    const processes = new Processes(group);
    let load: Load | undefined;
    try {
      const apis: [Api, Api] = [await processes.addService(), await processes.addHost()];
      const sessions = (count: number, api: Api) =>
        Promise.all(Array.from({ length: count }, () => newSession(api)));
      const honest = await sessions(HONEST_CLIENTS, apis[0]);
      const lost = await sessions(10, apis[1]);
      const clients = new Load(apis);
      load = clients;
      clients.begin(honest, await sessions(LEAVERS, apis[0]));

      const primary = await group.primary();
      await group.cutReplicasOff(primary);
      // Acknowledged by a primary whose data is lost with it.
      for (const leaver of lost) expect(await clients.logOut(leaver, apis[0])).toBe(true);
      await primary.stop();
      group.thawReplicas();
      await group.replaced(primary);

      const late = await processes.addHost();
      const from = performance.now();
      while (!(await areRefused(late, lost))) {
        expect(performance.now() - from).toBeLessThan(HEALS_WITHIN_MS);
        await delay(20);
      }
      // Revocations work again at both.
      const loggedOut = async (api: Api) => clients.logOut(await newSession(api), api);
      for (const api of apis) expect(await eventually(() => loggedOut(api), Boolean)).toBe(true);
      await clients.end();
      for (const api of [...apis, late]) expect(await areRefused(api, clients.acknowledged)).toBe(true);
      expect([...clients.statuses.keys()].filter((status) => ![200, 204, 503].includes(status))).toEqual([]);
      for (const { accessToken, refreshToken } of honest) {
        expect((await guarded(apis[1], accessToken)).status).toBe(200);
        expect((await apis[1].refresh(refreshToken)).status).toBe(200);
      }
    } finally {
      await load?.end();
      await processes.end();
      await group.dispose();
    }
  });
});
