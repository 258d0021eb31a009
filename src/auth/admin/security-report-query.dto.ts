import { IsIn, IsOptional, Matches } from 'class-validator';
import { MOMENT } from './security-events-query.dto.js';

const REPORT_FORMATS = ['json', 'csv', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The query of `GET /auth/admin/security-report`. */
export class SecurityReportQueryDto {
  @IsOptional()
  @Matches(MOMENT, { message: 'from must be a date or a date-time with a zone' })
  from?: string;

  @IsOptional()
  @Matches(MOMENT, { message: 'to must be a date or a date-time with a zone' })
  to?: string;

  @IsOptional()
  @IsIn(REPORT_FORMATS)
  format?: ReportFormat;
}
