import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Html } from './html.js';

/** What is in the page besides the report, as elements: its script, with the chart library in it, and its style. */
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

let parts: PageParts | undefined;

/** As they were built; read once, when the first page is asked for. */
export function pageParts(): PageParts {
  parts ??= readParts();
  return parts;
}

function readParts(): PageParts {
  const [script, style] = ['page.js', 'page.css'].map(readPart) as [string, string];
  return {
    // By hand: a space more, and the hash would be another.
    script: new Html(`<script>${script}</script>`),
    style: new Html(`<style>${style}</style>`),
    sources: { script: sourceOf(script), style: sourceOf(style) },
  };
}

function readPart(name: string): string {
  try {
    // The same file, whether this module is run from src or from dist.
    return readFileSync(new URL(`../../../dist/audit/report-page/${name}`, import.meta.url), 'utf8');
  } catch (cause) {
    throw new Error(
      `The page of the security report has lost its ${name}, which the package holds beside its modules. ` +
        `An application that is bundled has to leave the package out of the bundle (external).`,
      { cause },
    );
  }
}

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
