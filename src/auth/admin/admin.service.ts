import { Injectable } from '@nestjs/common';
import { AuditService, type SecurityEventPage } from '../../audit/audit.service.js';
import { SecurityReportService } from '../../audit/report/security-report.service.js';
import type { SecurityReport } from '../../audit/security-report.js';
import { isDay } from '../../core/day.js';
import { AuthError } from '../../core/errors.js';
import type { AuthEvents, EventSource } from '../../core/events.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { unlessLastAdministrator } from '../../users/last-administrator.js';
import { UsersService } from '../../users/users.service.js';
import { AuthService } from '../session/auth.service.js';
import type { SessionAnswer } from '../session/dto/answers.js';
import { knownUser } from './known-user.js';
import type { SecurityEventsQueryDto } from './security-events-query.dto.js';
import type { SecurityReportQueryDto } from './security-report-query.dto.js';

/** The administrator and the source of the request, for every event. */
export interface Administrator {
  readonly id: string;
  readonly source: EventSource;
}

const DEFAULT_LIMIT = 50;

/**
 * The actions of administrators on users. The guard of the route checks the role. Every action and every view of records is
 * reported with the administrator's id.
 */
@Injectable()
export class AdminService {
  constructor(
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly reports: SecurityReportService,
    private readonly events: AuthEventBus,
  ) {}

  /** Live sessions of a user, latest use first. @throws AuthError `NOT_FOUND` */
  async sessions(
    userId: string,
    admin: Administrator,
    currentId: string | null = null,
  ): Promise<SessionAnswer[]> {
    const id = await this.knownId(userId);
    const sessions = await this.auth.sessions(id, currentId);
    this.reportView('sessions', id, admin);
    return sessions;
  }

  /** Logs a user out everywhere. @throws AuthError `NOT_FOUND` */
  async endSessions(userId: string, { id: by, source }: Administrator): Promise<void> {
    await this.auth.logoutEverywhere(await this.knownId(userId), source, by);
  }

  /**
   * Disables a user and ends all their sessions. Administrators cannot disable themselves, and the last one cannot be disabled:
   * nobody could undo it.
   * @throws AuthError `NOT_FOUND`, `FORBIDDEN` (their own account, the last administrator)
   */
  async disable(userId: string, { id: by, source }: Administrator): Promise<void> {
    const user = await knownUser(this.users, userId);
    if (user.id === by)
      throw new AuthError('FORBIDDEN', { message: 'Administrators cannot disable themselves.' });
    const isDisabled = await unlessLastAdministrator(this.users, user, {
      refusal: 'The last administrator cannot be disabled.',
      make: () => this.auth.disableUser(user.id, source, by),
      undo: () => this.auth.enableUser(user.id, source, by),
    });
    if (!isDisabled) throw new AuthError('NOT_FOUND');
  }

  /** Lets a disabled user log in again. @throws AuthError `NOT_FOUND` */
  async enable(userId: string, { id: by, source }: Administrator): Promise<void> {
    const id = await this.knownId(userId);
    if (!(await this.auth.enableUser(id, source, by))) throw new AuthError('NOT_FOUND');
  }

  /**
   * Security events, the newest first.
   * @throws AuthError `VALIDATION_FAILED` (an impossible date, an invalid cursor), `NOT_FOUND` (there is no audit log)
   */
  async securityEvents(query: SecurityEventsQueryDto, admin: Administrator): Promise<SecurityEventPage> {
    if (!this.audit.isOn) throw new AuthError('NOT_FOUND');
    const page = await this.audit.events({
      userId: query.userId,
      type: query.type,
      from: momentOf('from', query.from),
      to: momentOf('to', query.to),
      cursor: query.cursor,
      limit: Number(query.limit ?? DEFAULT_LIMIT),
    });
    this.reportView('security_events', query.userId ?? null, admin);
    return page;
  }

  /**
   * The figures of the security report; the caller formats them.
   * @throws AuthError `VALIDATION_FAILED` (an impossible date or period), `NOT_FOUND` (there is no audit log)
   */
  async securityReport(
    { from, to }: Pick<SecurityReportQueryDto, 'from' | 'to'>,
    admin: Administrator,
  ): Promise<SecurityReport> {
    const report = await this.reports.report({ from: momentOf('from', from), to: momentOf('to', to) });
    this.reportView('security_report', null, admin);
    return report;
  }

  /** The id in the spelling of the store, which sessions and events use. */
  private async knownId(userId: string): Promise<string> {
    return (await knownUser(this.users, userId)).id;
  }

  private reportView(
    records: AuthEvents['records.viewed']['records'],
    userId: string | null,
    { id: by, source }: Administrator,
  ): void {
    void this.events.emit('records.viewed', { records, userId, by, source });
  }
}

function momentOf(field: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const at = new Date(text);
  if (!Number.isNaN(at.getTime()) && isDay(text.slice(0, 10))) return at;
  throw new AuthError('VALIDATION_FAILED', { fields: [{ field, message: `${field} must be a valid date` }] });
}
