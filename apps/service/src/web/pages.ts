import { reportPageSources } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { TerminalMailer } from '../mail/terminal-mailer.js';
import type { PageSite } from './page-files.js';

/**
 * The page on which administrators read the security report. It shows the report in a frame. The frame inherits the
 * policy of the page, which therefore lists the hashes of the report's script and style.
 */
export function reportPage(): PageSite {
  const { script, style } = reportPageSources();
  return {
    name: 'report',
    path: '/report',
    prefix: 'report',
    allowed: {
      'script-src': script,
      'style-src': style,
      // Only the frame turns text into a document.
      'trusted-types': 'security-report',
    },
  };
}

/**
 * The pages that mail links to, unless `APP_URL` names a front end with such pages. They are always served: the
 * sign-in forms of the other pages link to `reset-password`.
 */
export function mailPages({ auth: { mailer }, frontEnd, hasDemo }: AppConfig): PageSite[] {
  const delivery = mailer instanceof TerminalMailer ? 'terminal' : 'sent';
  const values = {
    mail: mailer ? delivery : 'none',
    // Without a front end and without a demo the service does not know where its users sign in.
    signIn: frontEnd ?? (hasDemo ? './' : ''),
  };
  return ['reset-password', 'verify-email'].map((name) => ({
    name,
    path: `/${name}`,
    prefix: name,
    allowed: { 'trusted-types': "'none'" },
    values,
    isStored: false,
  }));
}
