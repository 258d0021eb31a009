import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { TokenVersions } from '../../tokens/token-version.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { unlessLastAdministrator } from '../../users/last-administrator.js';
import { UsersService } from '../../users/users.service.js';

/** Deletes users: the account, its sessions and links, and its data in the audit log. */
@Injectable()
export class UserRemovalService {
  constructor(
    private readonly users: UsersService,
    private readonly tokenVersions: TokenVersions,
    private readonly terminator: SessionTerminator,
    private readonly actionTokens: ActionTokens,
    private readonly audit: AuditService,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether the user store can remove users. */
  get isPossible(): boolean {
    return this.users.canRemove;
  }

  /**
   * Deletes a user permanently. It disables the user first, to prevent logins, and removes the user last, so that it can be
   * repeated after a failure half-way.
   * @param by id of the administrator who does it; null for the user or the host
   * @returns false if there is no such user
   */
  async remove(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    return (await this.users.setDisabled(userId, true)) && this.finish(userId, source, by);
  }

  /**
   * Like `remove`, but refuses the last administrator, also if administrators are deleted at the same time.
   * @throws AuthError `FORBIDDEN`
   * @internal
   */
  async removeUnlessLast(
    user: UserRecord,
    source: EventSource | null,
    by: string | null = null,
  ): Promise<boolean> {
    const isDisabled = await unlessLastAdministrator(this.users, user, {
      refusal: 'The last administrator cannot be deleted.',
      make: () => this.users.setDisabled(user.id, true),
      undo: () => this.users.setDisabled(user.id, false),
    });
    return isDisabled && this.finish(user.id, source, by);
  }

  private async finish(userId: string, source: EventSource | null, by: string | null): Promise<boolean> {
    await this.tokenVersions.retire(userId, 'user_deleted', source);
    await this.terminator.forget(userId);
    await this.actionTokens.forget(userId);
    await this.audit.forget(userId);
    const isRemoved = await this.users.remove(userId);
    // The only row that still contains the user's id. It must not contain their own IP address.
    if (isRemoved) void this.events.emit('user.deleted', { userId, by, source: by === null ? null : source });
    return isRemoved;
  }
}
