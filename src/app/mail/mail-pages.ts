import type { AppConfig } from '../config.js';
import type { PageSite } from '../page-files.js';
import { TerminalMailer } from './terminal-mailer.js';

/**
 * Where the links of mail lead, unless `APP_URL` names a front end that has such pages. They are served in any case: to the
 * first one lead the sign-in forms of the other pages, where somebody forgot his password.
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
