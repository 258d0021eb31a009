import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { EventSource } from '../../core/events.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { TokenVersions } from '../../tokens/token-version.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { UsersService } from '../../users/users.service.js';

/** Forgets users: the account, its sessions and links, and what the audit log says of it. */
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

  /** Whether the store of users can remove one. */
  get isPossible(): boolean {
    return this.users.canRemove;
  }

  /**
   * Deletes a user for good. Disables them first, so that no login comes in between, and removes the user last: after a
   * failure half-way it can be repeated.
   * @param by id of the administrator who does it; null where it is the user, or the host
   * @returns false where there is no such user
   */
  async remove(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    if (!(await this.users.setDisabled(userId, true))) return false;
    await this.tokenVersions.retire(userId, 'user_deleted', source);
    await this.terminator.forget(userId);
    await this.actionTokens.forget(userId);
    await this.audit.forget(userId);
    const isRemoved = await this.users.remove(userId);
    // The only row that still names the user. Their own address does not belong into it.
    if (isRemoved) void this.events.emit('user.deleted', { userId, by, source: by === null ? null : source });
    return isRemoved;
  }
}
