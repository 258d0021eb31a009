import type { Finding } from 'nestjs-silent-auth';
import type { FoundUser, MadeAdministrator } from './administrator.js';
import type { AppConfig } from './config/config.js';
import { inVariables } from './doctor/in-variables.js';

export interface Running {
  readonly url: string;
  readonly database: string;
  readonly administrator: MadeAdministrator | FoundUser | null;
  readonly findings: readonly Finding[];
}

/** What a person who just started the service wants to know. */
export function banner(
  { warnings, isProduction, hasDemo, auth }: AppConfig,
  { url, database, administrator, findings }: Running,
): string {
  const lines = [
    '',
    `Silent Auth is running at ${url}`,
    `  database: ${database}`,
    `  throttle: ${auth.throttle === false ? 'off, also for guesses at passwords' : 'on; THROTTLE=off for load tests'}`,
  ];
  if (administrator?.outcome === 'made') {
    const { email, password } = administrator;
    lines.push(
      `  administrator: ${email}`,
      `  password: ${password ?? '(as given by ADMIN_PASSWORD)'}${password ? '   shown this once' : ''}`,
    );
  }
  if (administrator?.outcome === 'found' && !administrator.isAdministrator)
    lines.push(
      `  warning: ADMIN_EMAIL names a user who has not the role admin; he is left as he is. Give him the role, or name another one.`,
    );
  if (auth.audit !== false) lines.push(`  security report: ${url}/report, for administrators`);
  for (const warning of warnings) lines.push(`  warning: ${warning}`);
  const errors = findings.filter(({ severity }) => severity === 'error').map(inVariables);
  for (const { subject, message } of errors) lines.push(`  error: ${subject}: ${message}`);
  if (errors.length > 0) lines.push('  npm run doctor tells how to mend it.');
  if (hasDemo) lines.push('', 'See it at work, in a browser:', `  ${url}/`);
  if (!isProduction) {
    const body = `{"email":"you@example.com","password":"a long passphrase"}`;
    lines.push(
      '',
      'Try it:',
      `  curl -i -c cookies.txt -H 'Content-Type: application/json' -d '${body}' ${url}/auth/register`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
