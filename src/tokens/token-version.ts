import { Injectable } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { UsersService } from '../users/users.service.js';
import type { OpenSession } from './session-opener.js';
import { SessionTerminator } from './session-terminator.js';

/**
 * How a token version is retired: the user gets another one, by itself or together with a new password; then the access
 * tokens of the retired one are revoked, and its sessions end. Each step is safe to repeat.
 */
@Injectable()
export class TokenVersions {
  constructor(
    private readonly users: UsersService,
    private readonly revocations: RevocationService,
    private readonly terminator: SessionTerminator,
  ) {}

  /** Retires the version of a user, and with it everything the user has. */
  async retire(userId: string, reason: RevocationReason, source: EventSource | null): Promise<void> {
    const retired = await this.users.retireTokenVersion(userId);
    if (retired !== null) await this.revocations.revokeTokenVersion(retired);
    await this.terminator.endAll(userId, reason, source);
  }

  /**
   * Sets a user's roles, or only another version of them where `roles` is left out. Access tokens minted before are refused
   * everywhere within the revocation bound; the next refresh brings one with the roles as they are. No session ends.
   * @returns false where there is no such user
   */
  async retireRoles(userId: string, roles?: readonly string[]): Promise<boolean> {
    const retired = await this.users.setRoles(userId, roles);
    // After the change: a token minted in between names the retired version too.
    if (retired !== null) await this.revocations.revokeRolesVersion(retired);
    return retired !== null;
  }

  /** After a reset has set another version: ends what the user had before. */
  async afterReset(
    userId: string,
    versions: { readonly retired: string; readonly present: string },
    source: EventSource,
  ): Promise<void> {
    await this.revocations.revokeTokenVersion(versions.retired);
    const isSince = ({ tokenVersion }: RefreshSession) => tokenVersion === versions.present;
    await this.terminator.endAll(userId, 'password_changed', source, isSince);
  }

  /** After a change of password has set another version: ends what the user had, but for the session that `open` begins. */
  async afterChange(
    userId: string,
    retired: string,
    source: EventSource,
    open: () => Promise<OpenSession>,
  ): Promise<OpenSession> {
    await this.revocations.revokeTokenVersion(retired);
    const opened = await open();
    await this.terminator.endAll(
      userId,
      'password_changed',
      source,
      (session) => session.id === opened.session.id,
    );
    return opened;
  }
}
