import type { SecurityReport } from '../security-report.js';
import { ALARMING, EVERYDAY } from './html/chart-plans.js';
import { chartOf, type ReportChart } from './html/charts.js';
import { counted, moment, period } from './html/format.js';
import { type Html, html, scriptJson } from './html/html.js';
import { PAGE_PARTS, type ReportPageSources } from './html/page-parts.js';
import { chartFigure } from './html/sections/chart-figure.js';
import { facts } from './html/sections/facts.js';
import { indexHealth } from './html/sections/index-health.js';
import { reuseCases } from './html/sections/reuse-cases.js';
import { tallies } from './html/sections/tallies.js';
import { topLists } from './html/sections/top-lists.js';
import { verdict } from './html/sections/verdict.js';

/** The report as one HTML document without other files: it can be saved, mailed and opened offline. */
export function renderReportPage(report: SecurityReport): string {
  const { script, style } = PAGE_PARTS;
  const [alarming, everyday] = [ALARMING, EVERYDAY].map((plans) =>
    plans.map((plan) => chartOf(plan, report)),
  ) as [ReportChart[], ReportChart[]];
  const drawn = [...alarming, ...everyday].filter(({ total }) => total > 0).map((chart) => chart.drawn);
  const title = `Security report, ${period(report.from, report.to)}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policyOf()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        ${heading(report)}
        <main>
          ${hasEvents(report) ? null : html`<p class="card">No events were counted: either there were no requests, or the audit log was still off.</p>`}
          ${verdict(report)} ${facts(report)}
          <h2 class="part">Failures and findings</h2>
          ${figures(alarming, report)} ${reuseCases(report)} ${topLists(report)}
          <h2 class="part">An ordinary day</h2>
          ${figures(everyday, report)} ${tallies(report)} ${indexHealth(report)}
        </main>
        <footer>
          <p>
            Counted by day, in UTC; moments have the zone that they name. Where a count is given as a range,
            the true number lies in it: so many addresses came that some were counted together.
          </p>
        </footer>
        <script type="application/json" id="charts">
          ${scriptJson(drawn)}
        </script>
        ${script}
      </body>
    </html>`.markup;
}

function heading({ from, to, days, generatedAt }: SecurityReport): Html {
  return html`<header>
    <p class="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#3451c6" />
        <path d="M8 10h9M12 16h9M16 22h8" stroke="#fff" stroke-width="3.5" stroke-linecap="round" />
      </svg>
      Silent Auth
    </p>
    <h1>Security report</h1>
    <p class="period">${period(from, to)}</p>
    <p class="note">
      ${counted(days.length, 'day')} · made
      <time datetime="${generatedAt.toISOString()}">${moment(generatedAt)}</time>
    </p>
    <noscript>
      <p class="note">The charts need JavaScript. Their numbers are in the tables, day by day.</p>
    </noscript>
  </header>`;
}

function figures(charts: readonly ReportChart[], { days }: SecurityReport): Html {
  const names = days.map(({ day }) => day);
  return html`<div class="pair charts">${charts.map((chart) => chartFigure(chart, names))}</div>`;
}

const hasEvents = ({ totals }: SecurityReport): boolean => totals.some(({ count }) => count > 0);

/**
 * The Content-Security-Policy for the response with the page. It allows only the page's own script and style, by hash. The
 * page has the same policy in a `<meta>`, which cannot set `frame-ancestors`.
 */
export function reportPagePolicy(): string {
  return `${policyOf()}; frame-ancestors 'none'`;
}

/** For a page that shows this one in a frame (`srcdoc`): the outer policy applies there too, so it must allow these sources. */
export function reportPageSources(): ReportPageSources {
  return PAGE_PARTS.sources;
}

function policyOf(): string {
  const { script, style } = PAGE_PARTS.sources;
  return [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
