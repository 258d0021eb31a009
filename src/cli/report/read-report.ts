import { SecurityReportService } from '../../audit/report/security-report.service.js';
import type { SecurityReport } from '../../audit/security-report.js';
import { AuthError } from '../../core/errors.js';
import { UsageError } from '../command-line.js';
import { DatabaseChoiceError } from '../explain.js';
import { withLibrary } from '../open-database.js';
import { ReportRefusedError, type ReportRequest } from './report-request.js';

const ASK_THE_SERVICE = 'use --url to get the report from the running service';

/** Reads the report from the database, without writing to it. @throws ReportRefusedError, UsageError */
export async function readReport(
  request: ReportRequest,
  variables: NodeJS.ProcessEnv,
): Promise<SecurityReport> {
  const value = (name: string) => variables[name]?.trim() || undefined;
  if (value('AUDIT') === 'off')
    throw new ReportRefusedError('AUDIT is off: no events are counted, so there is nothing to report.');
  const options = {
    audit: { retention: value('AUDIT_RETENTION') },
    throttle: value('THROTTLE') === 'off' ? (false as const) : undefined,
    // Revocations in Redis are not in this database.
    revocation: { mode: value('REVOCATION_STORE') === 'redis' ? ('off' as const) : ('feed' as const) },
  };
  try {
    return await withLibrary(variables, 'read', options, (context) =>
      context.get(SecurityReportService).report({ from: day(request.from), to: day(request.to) }),
    );
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof DatabaseChoiceError)
    return new ReportRefusedError(`${error.message}: ${ASK_THE_SERVICE}.`, { cause: error });
  if (!(error instanceof AuthError)) return error;
  const [problem] = error.fields ?? [];
  if (problem) return new UsageError(`--${problem.message}`);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new ReportRefusedError(`The database does not answer${cause}. Check MONGODB_URI.`, { cause: error });
}

function day(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
