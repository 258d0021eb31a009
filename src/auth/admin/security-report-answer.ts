import { securityReportCsv } from '../../audit/report/report-csv.js';
import { renderReportPage, reportPagePolicy } from '../../audit/report/report-page.js';
import type { SecurityReport } from '../../audit/security-report.js';
import type { ReportFormat } from './security-report-query.dto.js';

/** A report as HTTP carries it. */
export interface SecurityReportAnswer {
  /** They replace what a host says of all its answers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: SecurityReport | string;
}

/** What users typed stands in it: a browser must not take it for anything but what it is. */
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
          // RFC 7111 §3: that the first line names the columns.
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
