import { Injectable } from '@nestjs/common';
import { type AccessTokenClaims, accessTokenPayload, parseAccessTokenClaims } from '../core/access-token.js';
import { ACTION_TTL_MS } from '../core/action-token.js';
import { AuthError } from '../core/errors.js';
import { ActionTokens } from '../users/action-tokens.js';

/** The response of the ticket route. */
export interface TicketAnswer {
  /** Valid for one handshake, in the URL or in the first message. */
  readonly ticket: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/**
 * Tickets for the handshake of a socket, where a browser cannot send headers. Each stands for an access token, and is valid
 * once across all processes, for half a minute. It needs no proof of possession, so bound tokens can be used for sockets.
 */
@Injectable()
export class Tickets {
  constructor(private readonly actions: ActionTokens) {}

  async issue(claims: AccessTokenClaims): Promise<TicketAnswer> {
    const { token } = await this.actions.issue(
      'ticket',
      claims.sub,
      JSON.stringify(accessTokenPayload(claims)),
    );
    return { ticket: token, expiresIn: ACTION_TTL_MS.ticket / 1000 };
  }

  /**
   * The claims of the access token that the ticket stands for, valid or not.
   * @throws AuthError `TICKET_INVALID`, `TEMPORARILY_UNAVAILABLE`
   */
  async redeem(ticket: string): Promise<AccessTokenClaims> {
    const found = await this.actions.find('ticket', ticket);
    const claims = found && claimsIn(found.binding);
    if (!claims || !(await this.actions.use(found))) throw new AuthError('TICKET_INVALID');
    return claims;
  }
}

/** Null if the row is damaged. */
function claimsIn(binding: string): AccessTokenClaims | null {
  try {
    return parseAccessTokenClaims(JSON.parse(binding));
  } catch {
    return null;
  }
}
