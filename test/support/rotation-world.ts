import { JwtService } from '@nestjs/jwt';
import { AuthError, type AuthErrorCode } from '../../src/core/errors.js';
import type { AuthEventName } from '../../src/core/events.js';
import type { Clock, UserRecord, UserStore } from '../../src/core/ports.js';
import { type RefreshTokenClaims, refreshTokenClaims } from '../../src/core/refresh-token.js';
import type { RefreshTokenStore } from '../../src/core/refresh-token.store.js';
import type { StandstillWatch } from '../../src/database/standstill-watch.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import type { RevocationService } from '../../src/revocation/revocation.service.js';
import { AnomalyDetector } from '../../src/risk/anomaly-detector.js';
import { DeviceRecognizer } from '../../src/risk/device-recognizer.js';
import { ActivityReview } from '../../src/tokens/activity-review.js';
import type { ClientTraits } from '../../src/tokens/client-traits.js';
import { DeviceBinding } from '../../src/tokens/device-bound/device-binding.js';
import { FingerprintCheck } from '../../src/tokens/fingerprint-check.js';
import { HostClaims } from '../../src/tokens/host-claims.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { Possession } from '../../src/tokens/possession.js';
import { ProofVerifier } from '../../src/tokens/proof-verifier.js';
import type { RefreshFields } from '../../src/tokens/refresh-request.js';
import { RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import { ReuseResponse } from '../../src/tokens/reuse-response.js';
import { RotationOutcomes } from '../../src/tokens/rotation-outcomes.js';
import { SessionAdmission } from '../../src/tokens/session-admission.js';
import { SessionCap } from '../../src/tokens/session-cap.js';
import { type OpenSession, SessionOpener } from '../../src/tokens/session-opener.js';
import { SessionReissue } from '../../src/tokens/session-reissue.js';
import { SessionTerminator } from '../../src/tokens/session-terminator.js';
import { TokenSigner } from '../../src/tokens/token-signer.js';

const OPTIONS: AuthOptions = {
  issuer: 'https://issuer.example.com',
  keys: { access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'], refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'] },
};

export const CLIENT: ClientTraits = { ip: '192.0.2.1', userAgent: 'test', fingerprints: ['f'] };

/** The real rotation service with a clock, user and store that the test controls. */
export class RotationWorld {
  now = Date.parse('2026-01-01T00:00:00Z');
  readonly events: { name: AuthEventName; payload: unknown }[] = [];
  readonly revokedSessions: string[] = [];
  /** `<session>.<generation>` */
  readonly retired: string[] = [];
  /** Generations that were revoked, as `<session>.<generation>`. */
  readonly revokedGenerations = new Set<string>();
  readonly standstill = { isFreshlyThawed: false };
  /** `undefined` if the clock does not say. */
  isClockInDoubt: boolean | undefined = false;
  /** How the clock reads the database's time; `undefined` if it is its own authority. */
  readTime: (() => Promise<number>) | undefined;
  user: UserRecord | null = {
    id: 'user-1',
    email: 'user@example.com',
    roles: ['user'],
    passwordHash: '',
    tokenVersion: 'v1',
    disabledAt: null,
    createdAt: new Date(this.now),
  };
  readonly options;
  readonly service: RefreshTokenService;
  readonly opener: SessionOpener;
  readonly terminator: SessionTerminator;

  constructor(
    readonly store: RefreshTokenStore,
    options: Partial<AuthOptions> = {},
  ) {
    this.options = resolveOptions({ ...OPTIONS, ...options });
    const bus = new AuthEventBus(null);
    bus.emit = async (name, payload) => void this.events.push({ name, payload });
    const isInDoubt = () => this.isClockInDoubt;
    const readTime = () => this.readTime;
    const clock: Clock = {
      now: () => this.now,
      get isInDoubt() {
        return isInDoubt();
      },
      get read() {
        return readTime();
      },
    };
    const users = { findById: async () => this.user } as unknown as UserStore;
    const revocations = {
      revokeSessions: async (ids: string[]) => void this.revokedSessions.push(...ids),
      retireGeneration: async (id: string, generation: number) =>
        void this.retired.push(`${id}.${generation}`),
      revokeGenerations: async (id: string, from: number, to: number) => {
        for (let each = from; each <= to; each += 1) this.revokedGenerations.add(`${id}.${each}`);
      },
      isSessionRevoked: (id: string) => this.revokedSessions.includes(id),
    } as unknown as RevocationService;
    this.terminator = new SessionTerminator(store, clock, revocations, bus);
    const review = new ActivityReview(
      this.options,
      clock,
      this.terminator,
      new AnomalyDetector(this.options, bus),
      new DeviceRecognizer(this.options, store, bus),
    );
    const fingerprints = new FingerprintCheck(this.options, store, bus);
    const admission = new SessionAdmission(this.terminator, revocations, bus, fingerprints, review);
    const reuse = new ReuseResponse(this.options, store, clock, this.terminator, bus);
    const outcomes = new RotationOutcomes(store, clock, revocations, bus, admission, reuse);
    const reissue = new SessionReissue(this.options, store, clock, revocations, bus, admission);
    const keyRing = new KeyRing(this.options, bus);
    const verifier = new ProofVerifier(clock, keyRing);
    const claims = new HostClaims(
      this.options,
      new TokenSigner(this.options, clock, keyRing, new JwtService({})),
    );
    const possession = new Possession(this.options, verifier, bus);
    const standstill = this.standstill as StandstillWatch;
    this.service = new RefreshTokenService(
      this.options,
      store,
      users,
      clock,
      standstill,
      outcomes,
      reissue,
      possession,
      claims,
      new DeviceBinding(this.options, store, clock, keyRing, bus),
    );
    const cap = new SessionCap(this.options, store, this.terminator);
    this.opener = new SessionOpener(this.options, store, clock, cap, review, possession, claims);
  }

  async login(client = CLIENT): Promise<OpenSession> {
    if (!this.user) throw new Error('the user is gone');
    return this.opener.open(this.user, { transport: 'cookie' }, client, { amr: ['pwd'] });
  }

  /** The claims of the refresh token in an answer. */
  token({ session, secret }: OpenSession): RefreshTokenClaims {
    return refreshTokenClaims({ ...session, sessionId: session.id }, secret, this.options.issuer);
  }

  /** A refresh as the client sees it: an answer, or an error code. */
  async refresh(
    token: RefreshTokenClaims,
    client = CLIENT,
    fields: RefreshFields = {},
  ): Promise<OpenSession | AuthErrorCode> {
    try {
      return await this.service.refresh(token, client, fields);
    } catch (error) {
      if (error instanceof AuthError) return error.code;
      throw error;
    }
  }
}
