import { randomBytes } from 'node:crypto';
import type { CanActivate, ExecutionContext, INestApplicationContext, Type } from '@nestjs/common';
import { CLOCK, type Clock, type UserRecord } from '../core/ports.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import { requestOf } from '../http/http-request.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { TokenSigner } from '../tokens/token-signer.js';

/** The user that a test acts as. Defaults: a random id, the role `user`, a session of its own. */
export type TestUser = Partial<Omit<AuthenticatedUser, 'roles'>> & {
  readonly roles?: readonly string[];
  /** Token version of a stored user: the tokens then end together with the user's sessions. */
  readonly tokenVersion?: string;
};

/** Parts of a fake context. */
export interface FakeContext {
  /** The handler, for guards that read its metadata: `OrdersController.prototype.approve`. */
  handler?: (...parameters: never[]) => unknown;
  /** The controller, for the same purpose. */
  controller?: Type;
  /** Additional members of the request. */
  request?: object;
}

const SESSION_LIFE_MS = 86_400_000;

/** A logged-in user without a login; made by {@link actingAs}. */
export class ActingUser {
  /** The value of `request.user` and `@CurrentUser()`. */
  readonly user: AuthenticatedUser;
  /** Replaces `JwtAuthGuard`: `.overrideGuard(JwtAuthGuard).useValue(actingAs(user).guard)`. */
  readonly guard: CanActivate = {
    canActivate: (context) => {
      requestOf(context).user = this.user;
      return true;
    },
  };
  private readonly tokenVersion: string;

  constructor(given: TestUser) {
    const { tokenVersion, ...user } = given;
    const session = { id: newId(), generation: 0 };
    this.user = { id: newId(), roles: ['user'], claims: {}, session, ...user };
    this.tokenVersion = tokenVersion ?? randomBytes(16).toString('base64url');
  }

  /** An HTTP context whose request has the user, to test your own guards and interceptors. */
  context({ handler, controller, request }: FakeContext = {}): ExecutionContext {
    const http = { method: 'GET', headers: {}, ...request, user: this.user };
    const parameters = [http, {}, () => undefined];
    const context = {
      getType: () => 'http',
      getClass: () => controller ?? Object,
      getHandler: () => handler ?? (() => undefined),
      getArgs: () => parameters,
      getArgByIndex: (index: number) => parameters[index],
      switchToHttp: () => ({
        getRequest: () => http,
        getResponse: () => parameters[1],
        getNext: () => parameters[2],
      }),
      switchToRpc: () => unavailable('switchToRpc'),
      switchToWs: () => unavailable('switchToWs'),
    };
    return context as unknown as ExecutionContext;
  }

  /**
   * Headers that the guards of a running application accept, for supertest or `fetch`. The session is not stored, so it cannot
   * be refreshed, and the list of sessions does not contain it.
   */
  async headers(app: INestApplicationContext): Promise<{ authorization: string }> {
    const now = app.get<Clock>(CLOCK, { strict: false }).now();
    const { id, roles, claims, session, actor } = this.user;
    const signer = app.get(TokenSigner, { strict: false });
    const { token } = await Promise.resolve(
      signer.signAccessToken(
        {
          id,
          roles,
          // The token does not contain the address.
          email: 'acting@example.com',
          tokenVersion: this.tokenVersion,
          createdAt: new Date(now),
        } as UserRecord,
        {
          ...session,
          device: { appId: null },
          jkt: null,
          createdAt: new Date(now),
          expiresAt: new Date(now + SESSION_LIFE_MS),
        } as unknown as RefreshSession,
        { custom: claims, actor },
      ),
    );
    return { authorization: `Bearer ${token}` };
  }
}

/**
 * Acts as a user without a login.
 *
 * @example
 * // End to end, with supertest:
 * await request(app.getHttpServer()).get('/orders').set(await actingAs({ roles: ['admin'] }).headers(app)).expect(200);
 * // In a unit test:
 * controller.list(actingAs({ id: 'ada' }).user);
 */
export function actingAs(user: TestUser = {}): ActingUser {
  return new ActingUser(user);
}

function newId(): string {
  return randomBytes(12).toString('hex');
}

function unavailable(name: string): never {
  throw new Error(`${name}: the context of actingAs is an HTTP context`);
}
