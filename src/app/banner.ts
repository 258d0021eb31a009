import type { MadeAdministrator } from './administrator.js';
import type { AppConfig } from './config.js';

export interface Running {
  readonly url: string;
  readonly database: string;
  readonly administrator: MadeAdministrator | null;
}

/** What a person who just started the service wants to know. */
export function banner(
  { warnings, isProduction }: AppConfig,
  { url, database, administrator }: Running,
): string {
  const lines = ['', `Silent Auth is running at ${url}`, `  database: ${database}`];
  if (administrator) {
    const { email, password } = administrator;
    lines.push(
      `  administrator: ${email}`,
      `  password: ${password ?? '(as given by ADMIN_PASSWORD)'}${password ? '   shown this once' : ''}`,
    );
  }
  for (const warning of warnings) lines.push(`  warning: ${warning}`);
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
