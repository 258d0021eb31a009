import { securityReportCsv } from '../../audit/report/report-csv.js';
import { renderReportPage, reportPagePolicy } from '../../audit/report/report-page.js';
import type { SecurityReport } from '../../audit/security-report.js';
import type { ReportFormat } from './security-report-query.dto.js';

/** A report as an HTTP response. */
export interface SecurityReportAnswer {
  /** These replace headers that a host sets for all responses. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: SecurityReport | string;
}

/** The report contains text from users, so browsers must not guess its content type. */
const AS_IT_IS = { 'X-Content-Type-Options': 'nosniff' };

export function securityReportAnswer(report: SecurityReport, format: ReportFormat): SecurityReportAnswer {
  const { from, to } = report;
  switch (format) {
    case 'json':
      return { headers: AS_IT_IS, body: report };
    case 'csv':
      return {
        headers: {
          ...AS_IT_IS,
          // `header=present`: the first line has the column names (RFC 4180 §3).
          'Content-Type': 'text/csv; charset=utf-8; header=present',
          'Content-Disposition': `attachment; filename="security-report-${from}-${to}.csv"`,
        },
        body: securityReportCsv(report),
      };
    case 'html':
      return {
        headers: {
          ...AS_IT_IS,
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': reportPagePolicy(),
        },
        body: renderReportPage(report),
      };
  }
}
