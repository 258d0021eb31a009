/** Days (UTC, `YYYY-MM-DD`); the report has defaults for both. */
export interface ReportRequest {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** There is no report, for a reason that the operator can fix. Print the message without a stack trace. */
export class ReportRefusedError extends Error {
  override readonly name = 'ReportRefusedError';
}
