import { Inject, Injectable } from '@nestjs/common';
import { checkCustomClaims, type ClaimsSession, type CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import { withTimeout } from '../core/with-timeout.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { TokenSigner } from './token-signer.js';

/** Maximum time that a login waits for the host's claims. */
const ANSWER_WITHIN_MS = 3000;

/**
 * Asks for the host's own claims (`accessToken.claims`) and signs a trial access token with them. This happens before any
 * write, so that a failure leaves no half-open session and no lost rotation.
 */
@Injectable()
export class HostClaims {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'accessToken'>,
    private readonly signer: TokenSigner,
  ) {}

  /** Whether the host sets `accessToken.claims`. */
  get areGiven(): boolean {
    return this.options.accessToken.claims !== null;
  }

  /**
   * The host's claims for an access token; undefined if it has none.
   * @param session in the state that the token will be issued for
   * @throws AuthError `INTERNAL` if the claims or the token cannot be made; `detail` says why
   */
  async prepare(user: UserRecord, session: RefreshSession): Promise<CustomClaims | undefined> {
    const { claims } = this.options.accessToken;
    const custom = claims ? await make(() => claims(user, viewOf(session))) : undefined;
    this.signer.signAccessToken(user, session, { custom });
    return custom;
  }
}

async function make(ask: () => object | Promise<object>): Promise<CustomClaims> {
  const given: unknown = await withTimeout(ask, ANSWER_WITHIN_MS).catch((cause: unknown) => {
    throw new AuthError('INTERNAL', { detail: 'the function accessToken.claims failed', cause });
  });
  const check = checkCustomClaims(given);
  if ('claims' in check) return check.claims;
  throw new AuthError('INTERNAL', { detail: `the function accessToken.claims ${check.problem}` });
}

/** The session without its hashes and seals. */
function viewOf(session: RefreshSession): ClaimsSession {
  const { id, createdAt, authTime = createdAt, amr = [], transport, device } = session;
  const { appId, deviceId, deviceName } = device;
  return { id, createdAt, authTime, amr, transport, appId, deviceId, deviceName };
}
