import type { Finding } from 'nestjs-silent-auth';
import type { FoundUser, MadeAdministrator } from './administrator.js';
import type { AppConfig } from './config/config.js';
import { inVariables } from './doctor/in-variables.js';
import { TerminalMailer } from './mail/terminal-mailer.js';

export interface Running {
  readonly url: string;
  readonly database: string;
  readonly administrator: MadeAdministrator | FoundUser | null;
  readonly findings: readonly Finding[];
  /** The file that variables were read from. */
  readonly settingsFrom: string | null;
}

/** What a person who just started the service wants to know. */
export function banner(config: AppConfig, running: Running): string {
  const { warnings, auth } = config;
  const { url, database, findings, settingsFrom } = running;
  // In production a proxy stands before the service.
  const pages = config.isProduction ? pageOf(auth.issuer) : url;
  const lines = [
    '',
    `Silent Auth is running at ${url}`,
    ...(settingsFrom === null ? [] : [`  settings from ${settingsFrom}`]),
    `  database: ${database}`,
    `  throttle: ${auth.throttle === false ? 'off, also for guesses at passwords' : 'on; THROTTLE=off for load tests'}`,
    ...administratorLines(config, running, pages),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
  const errors = findings.filter(({ severity }) => severity === 'error').map(inVariables);
  for (const { subject, message } of errors) lines.push(`  error: ${subject}: ${message}`);
  if (errors.length > 0) lines.push('  npm run doctor says how to fix it.');
  lines.push(...pageLines(config, pages));
  // Everything that mongodb-memory-server keeps is lost with its process.
  if (config.database.choice !== 'memory-server') lines.push('', 'A restart logs nobody out.');
  if (!config.isProduction) lines.push(...nextLines(url));
  return `${lines.join('\n')}\n\n`;
}

/** The credentials of a new administrator, for the terminal only. */
export function credentials({ email, password }: MadeAdministrator): string {
  const shown = password === null ? '(as given by ADMIN_PASSWORD)' : `${password}   shown this once`;
  return `\nAn administrator was made.\n  administrator: ${email}\n  password: ${shown}\n`;
}

function administratorLines(config: AppConfig, { administrator }: Running, url: string): string[] {
  if (administrator?.outcome !== 'found') return [];
  const { email, isAdministrator, isPasswordIgnored } = administrator;
  if (!isAdministrator)
    return [
      '  warning: ADMIN_EMAIL names a user without the role admin, who stays as they are. Give them the role, or name another address.',
    ];
  const lines = [`  administrator: ${email}; password lost? ${wayBack(config, url)}`];
  if (isPasswordIgnored)
    lines.push(
      `  warning: ADMIN_PASSWORD is not the password of ${email}: it counts only when the account is made.`,
    );
  return lines;
}

/** How an administrator without their password gets in again. */
function wayBack({ auth: { mailer } }: AppConfig, url: string): string {
  if (!mailer) return 'Set ADMIN_EMAIL and ADMIN_PASSWORD to those of another one, who is then made.';
  const delivery =
    mailer instanceof TerminalMailer ? 'shows a link on this terminal' : 'sends a link by mail';
  return `${url}/reset-password ${delivery}.`;
}

/** Without credentials and query, which an issuer may have. */
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
