import { reportPageSources } from '../index.js';
import type { PageSite } from './page-files.js';

/**
 * Where administrators read the security report. The report itself is shown in a frame, which inherits the policy of
 * the page around it: so that names the script and the style of the report, by their hashes.
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
      // Of the one place where text becomes a document: the frame.
      'trusted-types': 'security-report',
    },
  };
}
