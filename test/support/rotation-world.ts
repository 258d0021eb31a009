import { AuthError, type AuthErrorCode } from '../../src/core/errors.js';
import type { AuthEventName } from '../../src/core/events.js';
import { resolveOptions } from '../../src/core/options/resolve-options.js';
import type { AuthOptions } from '../../src/core/options/auth-options.js';
import type { UserRecord } from '../../src/core/ports.js';
import { refreshTokenClaims, type RefreshTokenClaims } from '../../src/core/refresh-token.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import type { RevocationService } from '../../src/revocation/revocation.service.js';
import { AnomalyDetector } from '../../src/tokens/anomaly-detector.js';
import type { ClientTraits } from '../../src/tokens/client-traits.js';
import { DeviceRecognizer } from '../../src/tokens/device-recognizer.js';
import { type OpenSession, RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import type { RefreshTokenStore } from '../../src/tokens/refresh-token.store.js';
import { SessionAdmission } from '../../src/tokens/session-admission.js';
import { SessionTerminator } from '../../src/tokens/session-terminator.js';
import type { UsersService } from '../../src/users/users.service.js';

const OPTIONS: AuthOptions = {
  issuer: 'https://issuer.example.com',
  keys: { access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'], refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'] },
};

export const CLIENT: ClientTraits = { ip: '192.0.2.1', userAgent: 'test', fingerprints: ['f'] };

/** The real rotation service in a world whose clock, user and store the test holds. */
export class RotationWorld {
  now = Date.parse('2026-01-01T00:00:00Z');
  readonly events: { name: AuthEventName; payload: unknown }[] = [];
  readonly revokedSessions: string[] = [];
  /** `<session>.<generation>` */
  readonly retired: string[] = [];
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
  readonly terminator: SessionTerminator;

  constructor(
    readonly store: RefreshTokenStore,
    options: Partial<AuthOptions> = {},
  ) {
    this.options = resolveOptions({ ...OPTIONS, ...options });
    const bus = new AuthEventBus(null);
    bus.emit = async (name, payload) => void this.events.push({ name, payload });
    const clock = { now: () => this.now };
    const users = { findById: async () => this.user } as unknown as UsersService;
    const revocations = {
      revokeSessions: async (ids: string[]) => void this.revokedSessions.push(...ids),
      retireGeneration: async (id: string, generation: number) =>
        void this.retired.push(`${id}.${generation}`),
      isSessionRevoked: (id: string) => this.revokedSessions.includes(id),
    } as unknown as RevocationService;
    this.terminator = new SessionTerminator(store, clock, revocations, bus);
    this.service = new RefreshTokenService(
      this.options,
      store,
      clock,
      users,
      this.terminator,
      revocations,
      bus,
      new SessionAdmission(
        this.options,
        store,
        clock,
        this.terminator,
        revocations,
        bus,
        new AnomalyDetector(this.options, bus),
      ),
      new DeviceRecognizer(this.options, store, bus),
    );
  }

  async login(client = CLIENT): Promise<OpenSession> {
    if (!this.user) throw new Error('the user is gone');
    return this.service.open(this.user, { transport: 'cookie' }, client);
  }

  /** The claims of the refresh token that an answer carries. */
  token({ session, secret }: OpenSession): RefreshTokenClaims {
    return refreshTokenClaims({ ...session, sessionId: session.id }, secret, this.options.issuer);
  }

  /** A refresh as a client sees it: an answer, or a code. */
  async refresh(token: RefreshTokenClaims, client = CLIENT): Promise<OpenSession | AuthErrorCode> {
    try {
      return await this.service.refresh(token, client);
    } catch (error) {
      if (error instanceof AuthError) return error.code;
      throw error;
    }
  }
}
