import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { CLOCK, type Clock } from '../../core/ports.js';
import { DatabaseHealth } from '../../database/database-health.js';
import { RefreshTokenService } from '../../tokens/refresh-token.service.js';
import { UsersService } from '../../users/users.service.js';
import { AuditService } from '../audit.service.js';
import type { ReuseCase, SecurityReport, TopTarget } from '../security-report.js';
import type { TopEntry } from '../top-counter.js';
import { inDoubt } from './in-doubt.js';
import { reportFigures } from './report-figures.js';
import { type DayPeriod, dayPeriod, momentsOf } from './report-period.js';
import { reuseCase } from './reuse-case.js';

const MAX_REUSE_CASES = 50;
/** Counts at most this many sessions: each is read whole, 20 MB in total. */
const MAX_SESSIONS = 10_000;

/** The first and last day (UTC) of a report, both included. */
export interface SecurityReportQuery {
  /** @default 29 days before the end: 30 in all */
  readonly from?: Date | undefined;
  /** @default today */
  readonly to?: Date | undefined;
}

/** Makes the security report from day counters, a bounded number of rows and of sessions, so its time does not grow with the log. */
@Injectable()
export class SecurityReportService {
  constructor(
    private readonly audit: AuditService,
    private readonly users: UsersService,
    private readonly sessions: RefreshTokenService,
    private readonly health: DatabaseHealth,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws AuthError `VALIDATION_FAILED` (the end before the beginning, more than 400 days, before 1970),
   * `NOT_FOUND` (there is no audit log), `TEMPORARILY_UNAVAILABLE`
   */
  async report({ from, to }: SecurityReportQuery = {}): Promise<SecurityReport> {
    const generatedAt = new Date(this.clock.now());
    const period = dayPeriod(from, to, generatedAt);
    if (!this.audit.isOn) throw new AuthError('NOT_FOUND', { detail: 'there is no audit log' });
    // First, because it also writes the waiting rows that the other queries read.
    const { counts, topSources, topTargets } = await this.audit.summary(
      new Date(period.from),
      new Date(period.to),
    );
    const [targets, reuseCases, sessions, indexes, doubt] = await Promise.all([
      this.withAddresses(topTargets),
      this.reuseCases(period),
      this.sessions.countLive(MAX_SESSIONS),
      this.health.indexes(),
      inDoubt(this.audit, period),
    ]);
    const figures = reportFigures(counts, period, doubt);
    return {
      generatedAt,
      ...period,
      ...figures,
      topSources,
      topTargets: targets,
      reuseCases,
      sessions,
      indexes,
    };
  }

  private async reuseCases(period: DayPeriod): Promise<ReuseCase[]> {
    const query = {
      type: 'refresh_token.reuse_detected',
      ...momentsOf(period),
      limit: MAX_REUSE_CASES,
    } as const;
    const { items } = await this.audit.events(query);
    // Rows of users who were deleted in the meantime contain no data.
    return items.filter(({ userId }) => userId !== undefined).map(reuseCase);
  }

  private async withAddresses(targets: readonly TopEntry[]): Promise<TopTarget[]> {
    return Promise.all(
      targets.map(async (target) => ({ ...target, email: await this.addressOf(target.key) })),
    );
  }

  private async addressOf(userId: string): Promise<string | null> {
    try {
      return (await this.users.findById(userId))?.email ?? null;
    } catch (error) {
      // A host's user store may throw for an unknown id, for example after users moved from another store.
      if (error instanceof AuthError) throw error;
      return null;
    }
  }
}
