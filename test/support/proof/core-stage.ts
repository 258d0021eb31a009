import { AUTH_ERRORS } from '../../../src/core/errors.js';
import type { RefreshTokenClaims } from '../../../src/core/refresh-token.js';
import type { RefreshTokenStore } from '../../../src/core/refresh-token.store.js';
import type { AuthOptions } from '../../../src/options/auth-options.js';
import type { OpenSession } from '../../../src/tokens/session-opener.js';
import { InMemoryRefreshTokenStore } from '../in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../rotation-world.js';
import type { Sending } from './interleaving.js';
import type { Approach, Stage } from './play.js';
import type { Exchange, Result, Terms, Token, Witness } from './witness.js';

const ANCHOR_MS = 300;
const SKEW_MS = 100;

export interface CoreToken extends Token {
  readonly claims: RefreshTokenClaims;
  readonly isRelay: boolean;
}

/** A process ended: nothing after this happens. */
class Died extends Error {}

/** The rotation rules over a store in memory, with simulated time. */
export class CoreStage implements Stage<CoreToken> {
  readonly terms: Terms = {
    graceMs: 10_000,
    lostResponseWindowMs: 7 * 86_400_000,
    toleranceMs: 2 * (ANCHOR_MS + SKEW_MS),
    revocationBoundMs: 0,
  };
  private readonly store = new InMemoryRefreshTokenStore();
  private commandsLeft = Number.POSITIVE_INFINITY;
  readonly world: RotationWorld;
  private time: number;
  private offset = 0;

  constructor(options: Partial<AuthOptions> = {}) {
    this.world = new RotationWorld(
      mortal(this.store, () => this.command()),
      options,
    );
    this.time = this.world.now;
  }

  async login(): Promise<CoreToken> {
    return this.token(await this.world.login());
  }

  now(): number {
    return this.time;
  }

  async pause(ms: number): Promise<void> {
    this.time += ms;
  }

  async night(hours: number): Promise<void> {
    this.time += hours * 3_600_000;
  }

  anchor(share: number): void {
    this.offset = Math.round((share - 0.5) * 2 * ANCHOR_MS);
  }

  async present(
    { claims }: CoreToken,
    sendings: readonly Sending[],
    approach: Approach = {},
  ): Promise<Exchange<CoreToken>[]> {
    const sentAt = this.time;
    const quarterMs = this.terms.graceMs / 4;
    const exchanges: Exchange<CoreToken>[] = [];
    for (const sending of sendings.toSorted((a, b) => a.request - b.request)) {
      this.time = sentAt + Math.round(sending.request * quarterMs);
      const at = this.time;
      const result = await this.serve(claims, sending, approach);
      exchanges.push({
        from: at,
        until: at,
        sentAt,
        overAt: at + Math.round(sending.answer * quarterMs),
        result,
        isDelivered: sending.fate.kind === 'answered',
        note: sendings.length > 1 ? ', with others at once' : '',
      });
    }
    this.time = Math.max(...exchanges.map(({ overAt }) => overAt));
    return exchanges.toSorted((a, b) => a.overAt - b.overAt);
  }

  async use({ claims, isRelay }: CoreToken): Promise<{ isAccepted: boolean; isRecorded: boolean }> {
    const { sid, gen } = claims;
    const isDead =
      this.world.revokedSessions.includes(sid) || this.world.revokedGenerations.has(`${sid}.${gen}`);
    if (isDead) return { isAccepted: false, isRecorded: false };
    if (isRelay) return { isAccepted: true, isRecorded: false };
    await this.store.confirm(sid, gen, new Date(this.time));
    return { isAccepted: true, isRecorded: this.store.sessions.get(sid)?.generation === gen };
  }

  async logout({ claims }: CoreToken): Promise<boolean> {
    await this.world.terminator.end(claims.sub, [claims.sid], 'logged_out', null);
    return true;
  }

  async inspect(witness: Witness<CoreToken>): Promise<void> {
    for (const { id, predecessors, abandoned, recentUses } of this.store.sessions.values()) {
      witness.stores({ predecessors, abandoned, recentUses });
      if (witness.isEnded && !this.world.revokedSessions.includes(id))
        witness.fail(7, 'the session has ended, and its access tokens have not');
    }
  }

  private async serve(
    claims: RefreshTokenClaims,
    { fate, door }: Sending,
    { isDisguised = false, ip = CLIENT.ip, ...fields }: Approach,
  ): Promise<Result<CoreToken>> {
    if (fate.kind === 'request lost') return { kind: 'unsent' };
    this.world.now = this.time + this.offset + ((door % 2) * 2 - 1) * SKEW_MS;
    this.commandsLeft = fate.kind === 'died' ? fate.after : Number.POSITIVE_INFINITY;
    try {
      const client = { ...CLIENT, ip, fingerprints: isDisguised ? ['other'] : CLIENT.fingerprints };
      const answer = await this.world.refresh(claims, client, fields);
      if (fate.kind === 'died') return { kind: 'silent', why: 'the process died before it answered' };
      if (typeof answer === 'string')
        return { kind: 'refused', status: AUTH_ERRORS[answer].status, code: answer };
      return { kind: 'answered', token: this.token(answer) };
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      return { kind: 'silent', why: 'the process died at work' };
    } finally {
      this.commandsLeft = Number.POSITIVE_INFINITY;
    }
  }

  private command(): void {
    if (this.commandsLeft <= 0) throw new Died();
    this.commandsLeft -= 1;
  }

  private token(opened: OpenSession): CoreToken {
    const claims = this.world.token(opened);
    return {
      generation: claims.gen,
      secret: claims.sec,
      expiresAt: opened.session.expiresAt.getTime(),
      absoluteExpiresAt: claims.abs * 1000,
      claims,
      isRelay: opened.isRelay ?? false,
    };
  }
}

/** The store as used by a process that may die between commands. */
function mortal(store: InMemoryRefreshTokenStore, command: () => void): RefreshTokenStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || name === 'newId') return member;
      return async (...args: unknown[]) => {
        command();
        return (member as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}
