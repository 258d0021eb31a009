import type { Finding } from 'nestjs-silent-auth';
import type { CreatedAdministrator, FoundUser } from './administrator.js';
import type { AppConfig } from './config/config.js';
import { inVariables } from './doctor/in-variables.js';
import { TerminalMailer } from './mail/terminal-mailer.js';

export interface Running {
  readonly url: string;
  readonly database: string;
  readonly administrator: CreatedAdministrator | FoundUser | null;
  readonly findings: readonly Finding[];
  /** The file that the variables come from. */
  readonly settingsFrom: string | null;
}

/** What an operator needs to know after the start. */
export function banner(config: AppConfig, running: Running): string {
  const { warnings, auth } = config;
  const { url, database, findings, settingsFrom } = running;
  // In production, users reach the pages through a proxy.
  const pages = config.isProduction ? pageOf(auth.issuer) : url;
  const lines = [
    '',
    `Silent Auth is running at ${url}`,
    ...(settingsFrom === null ? [] : [`  settings from ${settingsFrom}`]),
    `  database: ${database}`,
    `  throttle: ${auth.throttle === false ? 'off, also for password guessing' : 'on; THROTTLE=off for load tests'}`,
    ...administratorLines(config, running, pages),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
  const errors = findings.filter(({ severity }) => severity === 'error').map(inVariables);
  for (const { subject, message } of errors) lines.push(`  error: ${subject}: ${message}`);
  if (errors.length > 0) lines.push('  npm run doctor says how to fix it.');
  lines.push(...pageLines(config, pages));
  // mongodb-memory-server loses all data when the process ends.
  if (config.database.choice !== 'memory-server') lines.push('', 'A restart logs nobody out.');
  if (!config.isProduction) lines.push(...nextLines(url));
  return `${lines.join('\n')}\n\n`;
}

/** The credentials of a new administrator, for the terminal only. */
export function credentials({ email, password }: CreatedAdministrator): string {
  const shown = password === null ? '(as given by ADMIN_PASSWORD)' : `${password}   shown this once`;
  return `\nAn administrator was created.\n  administrator: ${email}\n  password: ${shown}\n`;
}

function administratorLines(config: AppConfig, { administrator }: Running, url: string): string[] {
  if (administrator?.outcome !== 'found') return [];
  const { email, isAdministrator, isPasswordIgnored } = administrator;
  if (!isAdministrator)
    return [
      '  warning: ADMIN_EMAIL names an existing user without the role admin; the user is not changed. Give them the role, or name another address.',
    ];
  const lines = [`  administrator: ${email}; password lost? ${recoveryHint(config, url)}`];
  if (isPasswordIgnored)
    lines.push(
      `  warning: ADMIN_PASSWORD is not the password of ${email}: it is used only when the account is created.`,
    );
  return lines;
}

/** How an administrator who lost their password logs in again. */
function recoveryHint({ auth: { mailer } }: AppConfig, url: string): string {
  if (!mailer)
    return 'Set ADMIN_EMAIL and ADMIN_PASSWORD for a new administrator, who is created at the next start.';
  const delivery =
    mailer instanceof TerminalMailer ? 'shows a link on this terminal' : 'sends a link by mail';
  return `${url}/reset-password ${delivery}.`;
}

/** Without credentials and query, which an issuer may contain. */
function pageOf(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}${pathname}`.replace(/\/$/, '');
}

function pageLines({ auth, hasDemo, hasDocs }: AppConfig, url: string): string[] {
  const pages = [
    ...(hasDemo ? [`  see it at work   ${url}/`] : []),
    ...(auth.audit === false ? [] : [`  security report  ${url}/report   for administrators`]),
    ...(hasDocs ? [`  API              ${url}/docs`] : []),
  ];
  return pages.length > 0 ? ['', 'Pages:', ...pages] : [];
}

function nextLines(url: string): string[] {
  const body = `{"email":"you@example.com","password":"a long passphrase"}`;
  return [
    '',
    'Try it:',
    `  curl -i -c cookies.txt -H 'Content-Type: application/json' -d '${body}' ${url}/auth/register`,
    '',
    'Next: README.md, "In your NestJS application"; docs/spa.md for a front end.',
  ];
}
