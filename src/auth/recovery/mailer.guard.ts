import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { RefusingGuard } from '../../http/guards/refusing.guard.js';
import { NotificationService } from '../../notifications/notification.service.js';

/**
 * Without a mailer there are no links, and no routes for them.
 * @throws AuthError `NOT_FOUND`
 */
@Injectable()
export class MailerGuard extends RefusingGuard {
  constructor(private readonly notifications: NotificationService) {
    super();
  }

  protected override admit(): void {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
  }
}
