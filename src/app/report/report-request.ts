/** Days of UTC, `YYYY-MM-DD`; where one is not given the report chooses. */
export interface ReportRequest {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What is wrong with how the command was called. */
export class UsageError extends Error {}

/** There is no report, for a reason that is the operator's to mend: what it says is enough. */
export class ReportRefusedError extends Error {
  override readonly name = 'ReportRefusedError';
}
