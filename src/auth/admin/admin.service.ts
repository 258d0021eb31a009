import { Injectable } from '@nestjs/common';
import { AuditService, type SecurityEventPage } from '../../audit/audit.service.js';
import { SecurityReportService } from '../../audit/security-report.service.js';
import { AuthError } from '../../core/errors.js';
import type { AuthEvents, EventSource } from '../../core/events.js';
import type { SecurityReport } from '../../core/security-report.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { UsersService } from '../../users/users.service.js';
import { AuthService } from '../auth.service.js';
import type { SessionAnswer } from '../dto/answers.js';
import type { SecurityEventsQueryDto } from './security-events-query.dto.js';
import type { SecurityReportQueryDto } from './security-report-query.dto.js';

/** Who administers, and from where: it stands in every event. */
export interface Administrator {
  readonly id: string;
  readonly source: EventSource;
}

const DEFAULT_LIMIT = 50;
/** Longer than any id of a user store. */
const MAX_ID = 128;

/**
 * What an administrator may do to users. That he is one is for the guard of the route to say; everything he does, and
 * looks at, is told of with his id.
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
    this.tellOfView('sessions', id, admin);
    return sessions;
  }

  /** Logs a user out everywhere. @throws AuthError `NOT_FOUND` */
  async endSessions(userId: string, { id: by, source }: Administrator): Promise<void> {
    await this.auth.logoutEverywhere(await this.knownId(userId), source, by);
  }

  /**
   * Disables a user and ends everything he has. Nobody disables himself: where he is the last administrator, nobody could
   * undo it.
   * @throws AuthError `NOT_FOUND`, `FORBIDDEN` (himself)
   */
  async disable(userId: string, { id: by, source }: Administrator): Promise<void> {
    const id = await this.knownId(userId);
    if (id === by) throw new AuthError('FORBIDDEN', { message: 'An administrator cannot disable himself.' });
    if (!(await this.auth.disableUser(id, source, by))) throw new AuthError('NOT_FOUND');
  }

  /** Lets a disabled user log in again. @throws AuthError `NOT_FOUND` */
  async enable(userId: string, { id: by, source }: Administrator): Promise<void> {
    const id = await this.knownId(userId);
    if (!(await this.auth.enableUser(id, source, by))) throw new AuthError('NOT_FOUND');
  }

  /**
   * Security events, the newest first.
   * @throws AuthError `VALIDATION_FAILED` (an impossible date, an odd cursor), `NOT_FOUND` (there is no audit log)
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
    this.tellOfView('security_events', query.userId ?? null, admin);
    return page;
  }

  /**
   * The security report; whatever its format is to be, that is for who answers with it.
   * @throws AuthError `VALIDATION_FAILED` (an impossible date or period), `NOT_FOUND` (there is no audit log)
   */
  async securityReport(
    { from, to }: Pick<SecurityReportQueryDto, 'from' | 'to'>,
    admin: Administrator,
  ): Promise<SecurityReport> {
    const report = await this.reports.report({ from: momentOf('from', from), to: momentOf('to', to) });
    this.tellOfView('security_report', null, admin);
    return report;
  }

  /** As the store spells it. An id may come in another spelling; sessions and events are found by this one alone. */
  private async knownId(userId: string): Promise<string> {
    const user = userId.length > MAX_ID ? null : await this.users.findById(userId);
    if (!user) throw new AuthError('NOT_FOUND');
    return user.id;
  }

  private tellOfView(
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
  throw new AuthError('VALIDATION_FAILED', { fields: [{ field, message: `${field} is no date` }] });
}

/** February 30th has the form of a date; what comes back is another day, or none. */
function isDay(text: string): boolean {
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
