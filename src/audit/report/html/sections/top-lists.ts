import type { SecurityReport } from '../../../security-report.js';
import type { TopEntry } from '../../../top-counter.js';
import { inDigits } from '../format.js';
import { type Html, html } from '../html.js';

/** The sources and the targets of failed logins. */
export function topLists({ topSources, topTargets }: SecurityReport): Html {
  return html`<div class="pair">
    ${list({
      id: 'sources',
      title: 'Where failed logins came from',
      nothing: 'No login failed, from anywhere.',
      column: 'Address',
      entries: topSources,
      name: ({ key }) => html`<bdi>${key}</bdi>`,
    })}
    ${list({
      id: 'targets',
      title: 'Whose logins failed',
      nothing: 'No login of a user failed.',
      column: 'User',
      entries: topTargets,
      name: ({ key, email }) =>
        html`<bdi data-user="${key}">${email ?? 'a user who is gone'}</bdi
          ><small class="ids"><bdi>${key}</bdi></small>`,
    })}
  </div>`;
}

interface TopList<Entry extends TopEntry> {
  readonly id: string;
  readonly title: string;
  readonly nothing: string;
  readonly column: string;
  readonly entries: readonly Entry[];
  readonly name: (entry: Entry) => Html;
}

function list<Entry extends TopEntry>({ id, title, nothing, column, entries, name }: TopList<Entry>): Html {
  const most = Math.max(1, ...entries.map(({ count }) => count));
  const rows = entries.map(
    (entry) =>
      html`<tr>
        <th scope="row">${name(entry)} ${bar(entry.count / most)}</th>
        <td>${counts(entry)}</td>
      </tr>`,
  );
  return html`<section class="card" aria-labelledby="${id}-title">
    <h3 id="${id}-title">${title}</h3>
    ${
      entries.length === 0
        ? html`<p class="nothing">${nothing}</p>`
        : html`<table class="ranks" aria-labelledby="${id}-title">
            <thead class="unseen">
              <tr>
                <th scope="col">${column}</th>
                <th scope="col">Failures</th>
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>`
    }
  </section>`;
}

/** The true number lies between these; see TopCounter. */
function counts({ count, error }: TopEntry): string {
  return error === 0 ? inDigits(count) : `${inDigits(count - error)}–${inDigits(count)}`;
}

function bar(share: number): Html {
  const width = (share * 100).toFixed(1);
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" width="100" height="6" />
    <rect class="filled" width="${width}" height="6" />
  </svg>`;
}
