import { reportPageSources } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { TerminalMailer } from '../mail/terminal-mailer.js';
import type { PageSite } from './page-files.js';

/** Where the pages of the service are for a page at the root; empty: there is no such page. */
export function links({ frontEnd, hasDemo, hasDocs }: AppConfig): Readonly<Record<string, string>> {
  return {
    home: hasDemo ? './' : (frontEnd ?? ''),
    demo: hasDemo ? './' : '',
    report: 'report',
    docs: hasDocs ? 'docs' : '',
  };
}

/**
 * The page on which administrators read the security report. It shows the report in a frame. The frame inherits the
 * policy of the page, which therefore lists the hashes of the report's script and style.
 */
export function reportPage(config: AppConfig): PageSite {
  const { script, style } = reportPageSources();
  return {
    name: 'report',
    path: '/report',
    prefix: 'report',
    values: links(config),
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
export function mailPages(config: AppConfig): PageSite[] {
  const { frontEnd, hasDemo, isProduction } = config;
  const { mailer } = config.auth;
  const delivery = mailer instanceof TerminalMailer ? 'terminal' : 'sent';
  const { home = '', ...operators } = links(config);
  const values = {
    home,
    // Where the service is in use, its users have no business with its operators' pages.
    ...(isProduction ? {} : operators),
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

/** The routes, to read and to try. Swagger UI writes styles into its elements and has its icons as `data:` URLs. */
export function docsPage(config: AppConfig): PageSite {
  return {
    name: 'docs',
    path: '/docs',
    prefix: 'docs',
    values: links(config),
    allowed: { 'style-src': "'unsafe-inline'", 'img-src': 'data:' },
    isMarkupMade: true,
  };
}
