import { AUTH_EVENTS, type AuthEventName } from '../../../../core/events.js';
import { reasonWords } from '../../../../core/reasons.js';
import type { SecurityReport } from '../../../security-report.js';
import { counted, inDigits } from '../format.js';
import { type Html, html } from '../html.js';

/** Everything that was counted: why, and what. */
export function tallies({ totals, reasons }: SecurityReport): Html {
  const came = totals.filter(({ count }) => count > 0);
  const never = totals.length - came.length;
  return html`<div class="pair">
    <section class="card" aria-labelledby="reasons-title">
      <h3 id="reasons-title">Why</h3>
      ${
        reasons.length === 0
          ? html`<p class="nothing">No event that gives a reason came.</p>`
          : numbers(
              'reasons-title',
              'Reason',
              reasons.map(({ type, reason, count }) => ({
                name: html`<bdi>${reasonWords(reason)}</bdi><small class="ids">${eventWords(type)}</small>`,
                count,
              })),
            )
      }
    </section>
    <section class="card" aria-labelledby="events-title">
      <h3 id="events-title">Everything that was counted</h3>
      ${
        came.length === 0
          ? html`<p class="nothing">No event came.</p>`
          : numbers(
              'events-title',
              'Event',
              came.map(({ type, count }) => ({
                name: html`${eventWords(type)}<small class="ids"><code>${type}</code></small>`,
                count,
              })),
            )
      }
      ${never === 0 || came.length === 0 ? null : html`<p class="note">${counted(never, 'other type')} of events never came.</p>`}
    </section>
  </div>`;
}

/** Only the name is known of an event from another version of the library. */
const eventWords = (type: string): string => AUTH_EVENTS[type as AuthEventName]?.many ?? type;

interface Tally {
  readonly name: Html;
  readonly count: number;
}

function numbers(title: string, column: string, tallies: readonly Tally[]): Html {
  return html`<table class="numbers" aria-labelledby="${title}">
    <thead>
      <tr>
        <th scope="col">${column}</th>
        <th scope="col">Count</th>
      </tr>
    </thead>
    <tbody>
      ${tallies.map(
        ({ name, count }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${inDigits(count)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
