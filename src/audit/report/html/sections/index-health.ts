import { MAX_OVERDUE_MS } from '../../../../core/limits.js';
import type { IndexState } from '../../../../database/index-state.js';
import type { SecurityReport } from '../../../security-report.js';
import { counted, roughly } from '../format.js';
import { type Html, html } from '../html.js';

/** Whether the database has the indexes that it should have, and removes what has expired. */
export function indexHealth({ indexes }: SecurityReport): Html {
  const ill = indexes.filter((index) => problemOf(index) !== null);
  return html`<section class="card" aria-labelledby="indexes-title">
    <h2 id="indexes-title">The database, now</h2>
    ${ill.length === 0 ? html`<p class="health good">${wellWords(indexes)}</p>` : html`<p class="health danger">${counted(ill.length, 'index needs', 'indexes need')} a look.</p>`}
    ${ill.length === 0 ? null : table(ill, 'indexes-title')}
    ${
      indexes.length === ill.length
        ? null
        : html`<details>
            <summary id="all-indexes">All ${counted(indexes.length, 'index', 'indexes')}</summary>
            ${table(indexes, 'all-indexes')}
          </details>`
    }
  </section>`;
}

function wellWords(indexes: readonly IndexState[]): string {
  if (indexes.length === 0) return 'No index was looked at.';
  const count = indexes.length === 1 ? 'The index is' : `All ${indexes.length} indexes are`;
  return `${count} as ${indexes.length === 1 ? 'it' : 'they'} should be, and what has expired is removed in time.`;
}

/** In words; null where there is none. */
function problemOf({ state, found, overdueMs }: IndexState): string | null {
  if (state === 'missing') return 'missing';
  if (state === 'different') return found === null ? 'has other options' : `has other options: ${found}`;
  if (overdueMs !== null && overdueMs > MAX_OVERDUE_MS)
    return `removes late: what expired first has waited for ${roughly(overdueMs)}`;
  return null;
}

function table(indexes: readonly IndexState[], title: string): Html {
  return html`<div class="scroll" role="group" aria-labelledby="${title}" tabindex="0">
    <table class="indexes" aria-labelledby="${title}">
      <thead>
        <tr>
          <th scope="col">Collection</th>
          <th scope="col">Index</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        ${indexes.map((index) => row(index, problemOf(index)))}
      </tbody>
    </table>
  </div>`;
}

function row({ collection, index, isTtl }: IndexState, problem: string | null): Html {
  return html`<tr>
    <th scope="row">${collection}</th>
    <td><code>${index}</code></td>
    <td class="${problem === null ? 'good' : 'danger'}">
      ${problem ?? (isTtl ? 'well; removes what has expired' : 'well')}
    </td>
  </tr>`;
}
