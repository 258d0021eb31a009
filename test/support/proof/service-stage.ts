import { setTimeout as delay } from 'node:timers/promises';
import { BSON, type Collection, type Document, ObjectId } from 'mongodb';
import { type Answer, Api, type Call, newSession, type Session, sessionOf } from '../http.js';
import { LossyLine } from '../lossy-line.js';
import type { Service } from '../service.js';
import { claimsOf } from '../tokens.js';
import type { Sending } from './interleaving.js';
import type { Approach, Stage } from './play.js';
import type { Exchange, Result, Terms, Token, Witness } from './witness.js';

const RECORDED_WITHIN_MS = 3_000;
const OTHER_BROWSER = {
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'accept-language': 'de-DE',
};
/** Cuts an answer within its first header lines. */
const TORN_AFTER_BYTES = 60;

export interface ServiceToken extends Token {
  readonly session: Session;
  readonly isCookie: boolean;
}

/** Several processes on one database, driven from outside in real time. */
export class ServiceStage implements Stage<ServiceToken> {
  readonly terms: Terms;

  constructor(
    private readonly services: readonly Service[],
    /** `refresh_tokens`, to read what is stored. */
    private readonly sessions: Collection<Document>,
    graceMs: number,
    /** How long an instance may still accept revoked access tokens. */
    revocationBoundMs: number,
  ) {
    // The anchors of two clocks differ by the round trip to the database, which is long on a busy machine.
    this.terms = {
      graceMs,
      lostResponseWindowMs: 7 * 86_400_000,
      toleranceMs: graceMs / 8,
      revocationBoundMs,
    };
  }

  /** At any instance that answers. */
  async login(isCookie: boolean): Promise<ServiceToken> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const fields = isCookie ? { transport: 'cookie' } : {};
        return tokenOf(await newSession(this.api(attempt), fields), isCookie);
      } catch (error) {
        if (attempt > 50) throw error;
        await delay(100);
      }
    }
  }

  now(): number {
    return performance.now();
  }

  async pause(ms: number): Promise<void> {
    await delay(ms);
  }

  /** A night cannot be skipped in real time. */
  async night(): Promise<void> {
    await delay(1.2 * this.terms.graceMs);
  }

  anchor(): void {}

  async present(
    token: ServiceToken,
    sendings: readonly Sending[],
    approach: Approach = {},
  ): Promise<Exchange<ServiceToken>[]> {
    const quarterMs = sendings.length > 1 ? this.terms.graceMs / 8 : 0;
    const exchanges = sendings.map(async (sending) => {
      await delay(sending.request * quarterMs);
      const exchange = await this.send(token, sending, approach);
      await delay(sending.answer * quarterMs);
      return { ...exchange, overAt: this.now() };
    });
    return (await Promise.all(exchanges)).toSorted((a, b) => a.overAt - b.overAt);
  }

  async use({ session }: ServiceToken): Promise<{ isAccepted: boolean; isRecorded: boolean }> {
    for (let door = 0; door <= this.services.length; door += 1) {
      const answer = await this.api(door)
        .me(session.accessToken)
        .catch(() => undefined);
      if (answer?.status === 401) return { isAccepted: false, isRecorded: false };
      if (answer?.status === 200) return { isAccepted: true, isRecorded: await this.isRecorded(session) };
    }
    return { isAccepted: false, isRecorded: false };
  }

  async logout({ session, isCookie }: ServiceToken): Promise<boolean> {
    const { refreshToken } = session;
    const call: Call = isCookie ? { refreshCookie: refreshToken } : { body: { refreshToken } };
    const answer = await this.api(0)
      .logout(call)
      .catch(() => undefined);
    return answer?.status === 204;
  }

  async inspect(witness: Witness<ServiceToken>, tokens: readonly ServiceToken[]): Promise<void> {
    const [{ session }] = tokens as [ServiceToken];
    const row = await this.sessions.findOne({ _id: new ObjectId(session.id) });
    if (row) {
      const { predecessors, abandoned = [], recentUses } = row;
      witness.stores({ predecessors, abandoned, recentUses }, BSON.calculateObjectSize(row));
    }
    if (!witness.isEnded) return;
    const deadline = this.now() + this.terms.revocationBoundMs;
    for (const { session } of tokens.slice(-3))
      for (const service of this.services)
        if (!(await this.isRefusedBy(service, session.accessToken, deadline)))
          witness.fail(7, `an access token of the ended session still works`);
  }

  private async send(
    token: ServiceToken,
    sending: Sending,
    { isDisguised = false, ip: _oneNetwork, ...fields }: Approach,
  ): Promise<Exchange<ServiceToken>> {
    const { fate } = sending;
    const door = sending.door % this.services.length;
    const from = this.now();
    const over = (result: Result<ServiceToken>, isDelivered: boolean, note = ''): Exchange<ServiceToken> => {
      const until = this.now();
      return { from, until, sentAt: from, overAt: until, result, isDelivered, note: ` at ${door}${note}` };
    };
    if (fate.kind === 'request lost') return over({ kind: 'unsent' }, false);
    const isLost = fate.kind !== 'answered';
    const api = this.api(door);
    const line = isLost
      ? await LossyLine.open(api.origin, fate.kind === 'answer torn' ? TORN_AFTER_BYTES : 0)
      : null;
    const call: Call = {
      // Invariant 2 allows half the grace period for an attempt, including the round trip.
      signal: AbortSignal.timeout(0.4 * this.terms.graceMs),
      headers: isDisguised ? OTHER_BROWSER : {},
    };
    const through = line ? new Api(line.origin) : api;
    const { refreshToken } = token.session;
    try {
      const answer = await (token.isCookie
        ? through.refreshByCookie(refreshToken, call, fields)
        : through.refresh(refreshToken, call, fields));
      return over(resultOf(answer, token), true);
    } catch (error) {
      const lost = await Promise.race([line?.lost, delay(0.05 * this.terms.graceMs, null)]);
      if (lost) return over(resultOf(lost, token), false, fate.kind === 'answer torn' ? ', torn' : '');
      const { code, name } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED') return over({ kind: 'unsent' }, false, ', which is down');
      return over(
        { kind: 'silent', why: name === 'AbortError' ? 'the client gave up' : String(code) },
        false,
      );
    } finally {
      line?.close();
    }
  }

  /** The receipt is recorded in the background, so ask the database. */
  private async isRecorded({ id, accessToken }: Session): Promise<boolean> {
    const { gen } = claimsOf(accessToken);
    const deadline = this.now() + RECORDED_WITHIN_MS;
    for (let pause = 10; this.now() < deadline; pause *= 2) {
      const row = await this.sessions.findOne({ _id: new ObjectId(id) });
      if (row?.generation !== gen) return false;
      if (row?.confirmedAt) return true;
      await delay(pause);
    }
    return false;
  }

  private async isRefusedBy(service: Service, accessToken: string, deadline: number): Promise<boolean> {
    for (;;) {
      const answer = await service
        .api()
        .me(accessToken)
        .catch(() => undefined);
      // An instance that is down or disconnected accepts no token.
      if (answer?.status !== 200) return true;
      if (this.now() > deadline) return false;
      await delay(50);
    }
  }

  private api(door: number): Api {
    const service = this.services[door % this.services.length];
    if (!service) throw new Error('there is no service');
    return service.api();
  }
}

function resultOf(answer: Answer, { isCookie }: ServiceToken): Result<ServiceToken> {
  if (answer.status === 200) return { kind: 'answered', token: tokenOf(sessionOf(answer), isCookie) };
  return { kind: 'refused', status: answer.status, code: answer.json.code };
}

function tokenOf(session: Session, isCookie: boolean): ServiceToken {
  const { gen, sec, exp, abs } = claimsOf(session.refreshToken);
  // Token times are calendar times; the story's time starts with this process.
  const toStoryTime = (seconds: number) => seconds * 1000 - performance.timeOrigin;
  return {
    generation: gen,
    secret: sec,
    expiresAt: toStoryTime(exp),
    absoluteExpiresAt: toStoryTime(abs),
    accessExpiresAt: toStoryTime(claimsOf(session.accessToken).exp),
    session,
    isCookie,
  };
}
