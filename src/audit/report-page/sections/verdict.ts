import type { SecurityReport } from '../../../core/security-report.js';
import { counted, inDigits } from '../format.js';
import { html, type Html } from '../html.js';

/** The two promises, and how they were kept: thieves who were caught, honest clients who were not logged out. */
export function verdict(report: SecurityReport): Html {
  return html`<div class="verdict">${thefts(report)}${falseAlarms(report)}</div>`;
}

function thefts({ totals, reuseCases, days }: SecurityReport): Html {
  const caught = totals.find(({ type }) => type === 'refresh_token.reuse_detected')?.count ?? 0;
  if (caught === 0) {
    const span = days.length === 1 ? 'that day' : `those ${inDigits(days.length)} days`;
    return html`<section class="card promise good" aria-labelledby="thefts">
      <h2 id="thefts"><span class="figure">No</span> stolen token was used</h2>
      <p>On ${span} nobody came with a refresh token that was not his own.</p>
    </section>`;
  }
  const onlyReported = reuseCases.filter(({ revoked }) => !revoked).length;
  return html`<section class="card promise danger" aria-labelledby="thefts">
    <h2 id="thefts">
      <span class="figure">${inDigits(caught)}</span> stolen ${caught === 1 ? 'token was' : 'tokens were'}
      caught
    </h2>
    <p>
      ${
        onlyReported === 0
          ? 'Whoever held it, thief and victim alike, had to log in again.'
          : `Shadow mode was on for ${inDigits(onlyReported)} of the cases below: refused, but nothing was ended.`
      }
    </p>
  </section>`;
}

function falseAlarms({ falseAlarmsAvoided: { replays, recoveries } }: SecurityReport): Html {
  const avoided = replays + recoveries;
  if (avoided === 0)
    return html`<section class="card promise" aria-labelledby="false-alarms">
      <h2 id="false-alarms"><span class="figure">No</span> false alarm had to be avoided</h2>
      <p>No tabs raced for a token, and no answer was lost on its way.</p>
    </section>`;
  return html`<section class="card promise good" aria-labelledby="false-alarms">
    <h2 id="false-alarms">
      <span class="figure">${inDigits(avoided)}</span> ${avoided === 1 ? 'time' : 'times'} an honest client
      was not logged out
    </h2>
    <p>
      ${counted(replays, 'race between tabs or retry', 'races between tabs and retries')} forgiven,
      ${counted(recoveries, 'lost answer', 'lost answers')} made good. A usual design would have taken each
      for theft.
    </p>
  </section>`;
}
