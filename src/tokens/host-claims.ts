import { Inject, Injectable } from '@nestjs/common';
import { checkCustomClaims, type ClaimsSession, type CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import { withTimeout } from '../core/with-timeout.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { TokenSigner } from './token-signer.js';

/** A login waits no longer for the host's claims. */
const ANSWER_WITHIN_MS = 3000;

/**
 * The host's own claims (`accessToken.claims`), and a rehearsal of the access token that carries them: before anything is
 * written, so that a failure leaves no half-open session and rotates nothing away.
 */
@Injectable()
export class HostClaims {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: Pick<ResolvedAuthOptions, 'accessToken'>,
    private readonly signer: TokenSigner,
  ) {}

  /** Whether the host has claims of its own. */
  get areGiven(): boolean {
    return this.options.accessToken.claims !== null;
  }

  /**
   * The host's claims for an access token; undefined where it has none.
   * @param session as it is about to be
   * @throws AuthError `INTERNAL` where they cannot be made, or no token can be: its `detail` says why
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

/** Without hashes and seals. */
function viewOf(session: RefreshSession): ClaimsSession {
  const { id, createdAt, authTime = createdAt, amr = [], transport, device } = session;
  const { appId, deviceId, deviceName } = device;
  return { id, createdAt, authTime, amr, transport, appId, deviceId, deviceName };
}
