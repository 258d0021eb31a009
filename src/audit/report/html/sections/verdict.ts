import type { AuthEventName } from '../../../../core/events.js';
import type { SecurityReport } from '../../../security-report.js';
import { SECOND_HOLDER_RULES } from '../../in-doubt.js';
import { counted, inDigits } from '../format.js';
import { type Html, html } from '../html.js';

/** The two promises, and what the log shows of each: thefts that were detected, honest clients who were not logged out. */
export function verdict(report: SecurityReport): Html {
  return html`<div class="verdict">${thefts(report)}${falseAlarms(report)}</div>`;
}

function thefts(report: SecurityReport): Html {
  const caught = totalOf(report, 'refresh_token.reuse_detected');
  return caught > 0 ? detected(report, caught) : undetected(report);
}

function detected({ reuseCases }: SecurityReport, caught: number): Html {
  const onlyReported = reuseCases.filter(({ revoked }) => !revoked).length;
  return html`<section class="card promise danger" aria-labelledby="thefts">
    <h2 id="thefts">
      <span class="figure">${inDigits(caught)}</span> stolen ${caught === 1 ? 'token was' : 'tokens were'}
      caught
    </h2>
    <p>
      ${
        onlyReported === 0
          ? ended(caught)
          : `Shadow mode was on for ${inDigits(onlyReported)} of the cases below: refused, but nothing was ended.`
      }
    </p>
  </section>`;
}

function ended(caught: number): string {
  return caught === 1
    ? 'Its session ended: the thief and the owner both had to sign in again.'
    : 'Their sessions ended: thieves and owners all had to sign in again.';
}

/** It never says that nothing was stolen: a copy that nobody has used yet leaves no trace. */
function undetected(report: SecurityReport): Html {
  const span = report.days.length === 1 ? 'that day' : `those ${inDigits(report.days.length)} days`;
  const suspicions = report.reasons
    .filter(({ type, reason }) => type === 'activity.suspected' && SECOND_HOLDER_RULES.has(reason))
    .reduce((sum, { count }) => sum + count, 0);
  if (suspicions > 0)
    return html`<section class="card promise danger" aria-labelledby="thefts">
      <h2 id="thefts">
        <span class="figure">${inDigits(suspicions)}</span>
        ${suspicions === 1 ? 'session' : 'times a session'} seemed to be in two hands
      </h2>
      <p>
        On ${span} two clients came with one refresh token, from different networks or browsers. The second
        was refused, displaced, or only seen: look at the odd activity below, and ask the users.
      </p>
    </section>`;
  return html`<section class="card promise good" aria-labelledby="thefts">
    <h2 id="thefts"><span class="figure">No</span> stolen token was detected</h2>
    <p>
      On ${span} nobody was seen with a refresh token of somebody else. A copy shows when it is used, or when
      its owner refreshes next.
    </p>
  </section>`;
}

function falseAlarms(report: SecurityReport): Html {
  const { replays, recoveries, healed, isAtMost } = report.falseAlarmsAvoided;
  const avoided = recoveries + healed;
  const atMost = isAtMost ? 'At most ' : '';
  const races = html`<p>
    ${atMost}${counted(replays, 'race between tabs or retry was', 'races between tabs and retries were')}
    answered as well. Within the grace period a second holder looks like a second tab, unless the client sends
    attempts.
  </p>`;
  const leftOut = html`<p class="note">
    Left out: every session in which a theft or a second holder was found. A thief who has not shown yet may
    be among the rest.
  </p>`;
  if (avoided === 0)
    return html`<section class="card promise" aria-labelledby="false-alarms">
      <h2 id="false-alarms"><span class="figure">No</span> false alarm had to be avoided</h2>
      <p>No lost answer had to be given again.</p>
      ${replays > 0 ? html`${races}${leftOut}` : null}
    </section>`;
  return html`<section class="card promise good" aria-labelledby="false-alarms">
    <h2 id="false-alarms">
      <span class="figure">${isAtMost ? html`<small>at most</small> ` : null}${inDigits(avoided)}</span>
      ${avoided === 1 ? 'time' : 'times'} a client that had lost an answer was not logged out
    </h2>
    <p>
      ${counted(recoveries, 'lost answer was', 'lost answers were')} given again, and
      ${counted(healed, 'client that had fallen back was', 'clients that had fallen back were')} healed. A
      usual design would have taken each for theft.
    </p>
    ${replays > 0 ? races : null} ${leftOut}
  </section>`;
}

function totalOf({ totals }: SecurityReport, wanted: AuthEventName): number {
  return totals.find(({ type }) => type === wanted)?.count ?? 0;
}
