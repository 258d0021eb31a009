import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { RefusingGuard } from '../../http/guards/refusing.guard.js';
import { NotificationService } from '../../notifications/notification.service.js';

/**
 * Refuses the routes for mailed links if there is no mailer.
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
