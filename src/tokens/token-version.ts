import { Injectable } from '@nestjs/common';
import type { EventSource } from '../core/events.js';
import type { RefreshSession } from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { UsersService } from '../users/users.service.js';
import type { OpenSession } from './session-opener.js';
import { SessionTerminator } from './session-terminator.js';

/**
 * Retires token versions. The user gets a new version, alone or together with a new password; then the access tokens of
 * the old version are revoked and its sessions end. Each step is safe to repeat.
 */
@Injectable()
export class TokenVersions {
  constructor(
    private readonly users: UsersService,
    private readonly revocations: RevocationService,
    private readonly terminator: SessionTerminator,
  ) {}

  /** Retires the version of a user, which ends all their sessions and access tokens. */
  async retire(userId: string, reason: RevocationReason, source: EventSource | null): Promise<void> {
    const retired = await this.users.retireTokenVersion(userId);
    if (retired !== null) await this.revocations.revokeTokenVersion(retired);
    await this.terminator.endAll(userId, reason, source);
  }

  /**
   * Sets a user's roles; without `roles`, only sets a new version of them. Access tokens minted before are refused
   * everywhere within the revocation bound; the next refresh returns one with the current roles. No session ends.
   * @returns false if there is no such user
   */
  async retireRoles(userId: string, roles?: readonly string[]): Promise<boolean> {
    const retired = await this.users.setRoles(userId, roles);
    // After the change: a token minted in between also has the retired version.
    if (retired !== null) await this.revocations.revokeRolesVersion(retired);
    return retired !== null;
  }

  /** Call after a reset has set a new version: ends all earlier sessions and tokens of the user. */
  async afterReset(
    userId: string,
    versions: { readonly retired: string; readonly present: string },
    source: EventSource,
  ): Promise<void> {
    await this.revocations.revokeTokenVersion(versions.retired);
    const isSince = ({ tokenVersion }: RefreshSession) => tokenVersion === versions.present;
    await this.terminator.endAll(userId, 'password_changed', source, isSince);
  }

  /** Call after a password change has set a new version: ends all sessions of the user except the one that `open` begins. */
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
