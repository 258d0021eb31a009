import type { SecurityReport } from '../../core/security-report.js';
import { html, scriptJson } from './html.js';
import { pageParts, type ReportPageSources } from './page-parts.js';

/** The report as one HTML document that needs nothing else: it can be saved, mailed and opened without a network. */
export function renderReportPage(report: SecurityReport): string {
  const { script, style } = pageParts();
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policyOf()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Security report, ${report.from} to ${report.to}</title>
        ${style}
      </head>
      <body>
        <h1>Security report, ${report.from} to ${report.to}</h1>
        <table>
          ${report.totals.map(
            ({ type, count }) =>
              html`<tr>
                <th scope="row">${type}</th>
                <td>${count}</td>
              </tr>`,
          )}
        </table>
        <script type="application/json" id="report-data">
          ${scriptJson(report.days)}
        </script>
        ${script}
      </body>
    </html>`.markup;
}

/**
 * The Content-Security-Policy for the answer that carries the page: its own script and style, by their hashes, and
 * nothing else. The page has the same in a `<meta>`, which cannot say who may frame it.
 */
export function reportPagePolicy(): string {
  return `${policyOf()}; frame-ancestors 'none'`;
}

/** For whoever shows the page in a frame of its own (`srcdoc`): the outer policy holds there too, so it must name these. */
export function reportPageSources(): ReportPageSources {
  return pageParts().sources;
}

function policyOf(): string {
  const { script, style } = pageParts().sources;
  return [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
