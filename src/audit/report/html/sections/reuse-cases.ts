import { reasonWords } from '../../../../core/reasons.js';
import type { ReuseCase, SecurityReport } from '../../../security-report.js';
import { describeAgent } from '../describe-agent.js';
import { counted, moment } from '../format.js';
import { type Html, html } from '../html.js';

/** More of them only on demand: a page of rows says no more than the first ones. */
const SHOWN = 5;

/** Refresh tokens that were used twice: what happened, and the two parties. Which of them is the thief, nobody can know. */
export function reuseCases({ reuseCases: cases }: SecurityReport): Html {
  if (cases.length === 0) return html``;
  const more = cases.slice(SHOWN);
  return html`<section class="card" aria-labelledby="reuse-title">
    <h2 id="reuse-title">Stolen tokens</h2>
    <p class="note">
      An earlier refresh token came that no race and no lost answer explains. One of the two clients holds a
      copy: the addresses may show which.
    </p>
    ${table(cases.slice(0, SHOWN), 'reuse-title')}
    ${
      more.length === 0
        ? null
        : html`<details>
            <summary id="reuse-more">${counted(more.length, 'more case')}</summary>
            ${table(more, 'reuse-more')}
          </details>`
    }
  </section>`;
}

/** On a narrow screen its cells stand below one another, which takes a table its roles: they are named. */
function table(cases: readonly ReuseCase[], title: string): Html {
  return html`<table class="cases" role="table" aria-labelledby="${title}">
    <thead role="rowgroup">
      <tr role="row">
        <th scope="col" role="columnheader">What happened</th>
        <th scope="col" role="columnheader">Who came with it</th>
        <th scope="col" role="columnheader">Last use before</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${cases.map(row)}
    </tbody>
  </table>`;
}

function row(one: ReuseCase): Html {
  const { at, userId, sessionId, classification, presentedGeneration, generation, revoked, source, lastUse } =
    one;
  return html`<tr role="row">
    <td role="cell" data-label="What happened">
      <strong><time datetime="${at.toISOString()}">${moment(at)}</time></strong>
      <p>
        ${reasonWords(classification)}
        ${revoked ? 'The session was ended.' : html`<em>Reported only: nothing was ended.</em>`}
      </p>
      <p class="ids">
        Generation ${presentedGeneration} of a session at ${generation} · session <bdi>${sessionId}</bdi> ·
        user
        <bdi data-user="${userId}">${userId}</bdi>
      </p>
    </td>
    <td role="cell" data-label="Who came with it">${party(source)}</td>
    <td role="cell" data-label="Last use before">
      ${lastUse === null ? html`<p class="ids">None is known.</p>` : party(lastUse)}
      ${
        lastUse === null
          ? null
          : html`<p class="ids"><time datetime="${lastUse.at.toISOString()}">${moment(lastUse.at)}</time></p>`
      }
    </td>
  </tr>`;
}

function party({ ip, userAgent }: ReuseCase['source']): Html {
  const agent = describeAgent(userAgent);
  return html`<p class="address"><bdi>${ip ?? 'unknown address'}</bdi></p>
    <p><bdi>${agent.short}</bdi></p>
    ${agent.long === null ? null : html`<p class="ids"><bdi>${agent.long}</bdi></p>`}`;
}
