import { createHash } from 'node:crypto';
import { Html } from './html.js';
import { SCRIPT, STYLE } from './page-assets.js';

/** The script (with the chart library) and the style of the page, as elements. */
interface PageParts {
  readonly script: Html;
  readonly style: Html;
  readonly sources: ReportPageSources;
}

/** What stands for the page's script and style in a Content-Security-Policy: `'sha256-…'`, with its quotes. */
export interface ReportPageSources {
  readonly script: string;
  readonly style: string;
}

/** As the build made them. */
export const PAGE_PARTS: PageParts = {
  // Without a space more: the hash would be another.
  script: new Html(`<script>${SCRIPT}</script>`),
  style: new Html(`<style>${STYLE}</style>`),
  sources: { script: sourceOf(SCRIPT), style: sourceOf(STYLE) },
};

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
