import { randomBytes } from 'node:crypto';
import type { ActivityUse } from '../../../src/core/anomaly.js';
import { reissue } from '../../../src/core/reissue.js';
import {
  decideRotation,
  MAX_PREDECESSORS,
  type PresentedToken,
  type Reissue,
  type RotationDecision,
  type RotationPolicy,
  type RotationState,
} from '../../../src/core/rotation.js';
import { countSharedUse, type SharedUse } from '../../../src/core/shared-use.js';
import { hashSecret, NONCE_BYTES, sealSuccessor, SECRET_BYTES } from '../../../src/core/successor-seal.js';

export type Rule = typeof decideRotation;

/** The parts of a refresh token that the decision reads. */
export interface ModelToken {
  readonly secret: string;
  readonly gen: number;
}

export interface ModelRequest {
  readonly token: ModelToken;
  readonly attempt?: string | null;
  readonly previous?: string | null;
  readonly ip?: string;
  readonly fingerprint?: string;
  readonly isRelay?: boolean;
  readonly hasHungUp?: boolean;
  readonly isAfterStandstill?: boolean;
}

export type Served = 'rotated' | 'replay' | Reissue['outcome'];
export type Refused = Exclude<RotationDecision['outcome'], Served | 'retry'>;

export type ModelAnswer =
  | { readonly outcome: Served; readonly token: ModelToken; readonly isRelay: boolean }
  | { readonly outcome: Refused; readonly token: null };

const SESSION_ID = '65a000000000000000000001';
const FAR_AWAY = new Date(8_640_000_000_000_000);

/**
 * One session with the real decision and no I/O, for tests with so many requests that a store and promises
 * would be too slow. It rotates as the `RefreshTokenService` does.
 */
export class ModelSession {
  /** Generations whose access tokens were revoked. */
  readonly dead = new Set<number>();
  sharedUse: SharedUse | null = null;
  /** The longest series of generations served to two networks. */
  mostShared = 0;
  /** The request that made the current generation. */
  private madeBy: ActivityUse;
  state: RotationState;

  constructor(
    login: { readonly at: number; readonly ip: string },
    private readonly policy: RotationPolicy,
    private readonly decide: Rule = decideRotation,
    private readonly idleTtlMs = Number.POSITIVE_INFINITY,
  ) {
    this.login = { secret: newSecret(), gen: 0 };
    this.madeBy = use(login.ip, login.at);
    this.state = {
      id: SESSION_ID,
      generation: 0,
      tokenHash: hashSecret(this.login.secret),
      predecessors: [],
      abandoned: [],
      rotatedAt: new Date(login.at),
      confirmedAt: null,
      expiresAt: this.expiry(login.at),
      fingerprint: 'f',
      revokedAt: null,
      revokedReason: null,
    };
  }

  /** What the client holds after the login. */
  readonly login: ModelToken;

  get isEnded(): boolean {
    return this.state.revokedAt !== null;
  }

  /** @param skewMs how far the instance's clock is ahead of the database's */
  refresh(request: ModelRequest, now: number, skewMs = 0): ModelAnswer {
    const { token } = request;
    const { state } = this;
    const isRotatable = !request.hasHungUp && !state.revokedAt && state.expiresAt.getTime() > now + skewMs;
    if (isRotatable && hashSecret(token.secret) === state.tokenHash) return this.rotate(request, now, skewMs);
    const presented: PresentedToken = {
      ...token,
      fingerprints: [request.fingerprint ?? 'f'],
      attempt: request.attempt ?? null,
      previous: (request.attempt && request.previous) ?? null,
      hasHungUp: request.hasHungUp ?? false,
      isAfterStandstill: request.isAfterStandstill ?? false,
    };
    return this.carryOut(request, this.decide(state, presented, new Date(now), this.policy), now);
  }

  /** Uses an access token, which proves that its generation was received, unless it was issued for a relay. */
  use({ token, isRelay }: { readonly token: ModelToken; readonly isRelay?: boolean }, now: number): boolean {
    if (this.isEnded || this.dead.has(token.gen)) return false;
    if (!isRelay && token.gen === this.state.generation && !this.state.confirmedAt)
      this.state = { ...this.state, confirmedAt: new Date(now) };
    return true;
  }

  private rotate({ token, attempt = null, ip, isRelay = false }: ModelRequest, now: number, skewMs: number) {
    const secret = newSecret();
    const sealed = sealSuccessor(token.secret, secret, SESSION_ID, randomBytes(NONCE_BYTES));
    const { generation: gen, tokenHash, predecessors } = this.state;
    const rotatedAt = new Date(now + skewMs);
    const entry = { hash: tokenHash, gen, sealed, rotatedAt, attempt, displacedAt: null };
    return this.advance(
      'rotated',
      { secret, ip, isRelay, now },
      {
        predecessors: [...predecessors, entry].slice(-MAX_PREDECESSORS),
      },
    );
  }

  private carryOut(request: ModelRequest, decision: RotationDecision, now: number): ModelAnswer {
    const { outcome } = decision;
    if (outcome === 'retry') throw new Error('the current secret did not rotate');
    if (outcome === 'replay') {
      if (!decision.isSameAttempt) this.count(request, now, this.state.generation);
      return this.answer(outcome, decision.secret, request.isRelay ?? false);
    }
    if (outcome === 'healed' || outcome === 'displaced' || outcome === 'recovered')
      return this.reissue(request, decision, now);
    if (outcome === 'reuse')
      this.state = { ...this.state, revokedAt: new Date(now), revokedReason: 'reuse_detected' };
    return { outcome, token: null };
  }

  private reissue(request: ModelRequest, decision: Reissue, now: number): ModelAnswer {
    const { token, attempt = null, ip, isRelay = false } = request;
    if (decision.outcome === 'recovered') this.count(request, now, this.state.generation + 1);
    const secret = newSecret();
    const former = reissue({
      session: this.state,
      decision,
      presentedSecret: token.secret,
      presentedGen: token.gen,
      nextSecret: secret,
      nonces: [randomBytes(NONCE_BYTES), randomBytes(NONCE_BYTES)],
      attempt,
      now: new Date(now),
    });
    for (let each = token.gen + 1; each <= this.state.generation; each += 1) this.dead.add(each);
    return this.advance(decision.outcome, { secret, ip, isRelay, now }, former);
  }

  private advance(
    outcome: Served,
    { secret, ip, isRelay, now }: { secret: string; ip: string | undefined; isRelay: boolean; now: number },
    changes: Partial<RotationState>,
  ): ModelAnswer {
    this.madeBy = use(ip ?? this.madeBy.ip, now);
    this.state = {
      ...this.state,
      ...changes,
      generation: this.state.generation + 1,
      tokenHash: hashSecret(secret),
      rotatedAt: new Date(now),
      confirmedAt: null,
      expiresAt: this.expiry(now),
    };
    return this.answer(outcome, secret, isRelay);
  }

  private answer(outcome: Served, secret: string, isRelay: boolean): ModelAnswer {
    return { outcome, token: { secret, gen: this.state.generation }, isRelay };
  }

  private count({ ip }: ModelRequest, now: number, generation: number): void {
    const counted = countSharedUse(
      this.sharedUse,
      this.state.generation,
      this.madeBy,
      use(ip ?? this.madeBy.ip, now),
    );
    if (!counted || counted === this.sharedUse) return;
    this.sharedUse = { ...counted, generation };
    this.mostShared = Math.max(this.mostShared, counted.generations);
  }

  private expiry(now: number): Date {
    return Number.isFinite(this.idleTtlMs) ? new Date(now + this.idleTtlMs) : FAR_AWAY;
  }
}

function use(ip: string, at: number): ActivityUse {
  return { ip, userAgent: 'test', at: new Date(at) };
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
