import type { ReportChart } from '../charts.js';
import { counted, inDigits } from '../format.js';
import { type Html, html } from '../html.js';

/** A chart: its place, which the script draws in; its legend; and the same numbers as a table. */
export function chartFigure(chart: ReportChart, days: readonly string[]): Html {
  const { plan, total, series, isByWeek } = chart;
  const { id } = plan;
  const caption = html`<figcaption>
    <h3 id="${id}-title">${plan.title}</h3>
    <p>${plan.explanation}${isByWeek ? ' By the week.' : null}</p>
  </figcaption>`;
  if (total === 0)
    return html`<figure class="card chart" aria-labelledby="${id}-title">
      ${caption}
      <p class="nothing">${plan.nothing}</p>
    </figure>`;
  const spoken = series.map(({ label, total }) => `${label}: ${inDigits(total)}`).join('. ');
  return html`<figure class="card chart" aria-labelledby="${id}-title">
    ${caption}
    <ul class="legend" aria-label="Legend and totals">
      ${series.map(
        ({ tone, label, total }) =>
          html`<li data-tone="${tone}">${swatch()} ${label} <b>${inDigits(total)}</b></li>`,
      )}
    </ul>
    <div class="plot">
      <canvas
        id="${id}"
        role="img"
        aria-label="${plan.title}, by the ${isByWeek ? 'week' : 'day'}, for ${counted(days.length, 'day')}. ${spoken}. The table below has each day."
      ></canvas>
    </div>
    ${table(chart, days)}
  </figure>`;
}

/** Drawn, not styled: inline styles are not allowed. */
function swatch(): Html {
  return html`<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
    <rect width="12" height="12" rx="3" />
  </svg>`;
}

function table({ plan, series }: ReportChart, days: readonly string[]): Html {
  return html`<details>
    <summary>Day by day<span class="unseen">: ${plan.title}</span></summary>
    <div class="scroll" role="group" aria-labelledby="${plan.id}-title" tabindex="0">
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">Day (UTC)</th>
            ${series.map(({ label }) => html`<th scope="col">${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${days
            .map(
              (day, index) =>
                html`<tr>
                  <th scope="row">${day}</th>
                  ${series.map(({ values }) => html`<td>${inDigits(values[index] ?? 0)}</td>`)}
                </tr>`,
            )
            // Today is what a reader looks for.
            .reverse()}
        </tbody>
      </table>
    </div>
  </details>`;
}
