import { AUTH_EVENTS, type AuthEventName } from '../../../../core/events.js';
import type { SecurityReport } from '../../../security-report.js';
import { inShort } from '../format.js';
import { type Html, html } from '../html.js';

const SHOWN: readonly AuthEventName[] = [
  'user.logged_in',
  'refresh_token.rotated',
  'login.failed',
  'login.locked',
  'activity.suspected',
];

/** The numbers that one looks for first. */
export function facts({ sessions: { active, isAtLeast }, totals }: SecurityReport): Html {
  const of = (type: AuthEventName) => totals.find((total) => total.type === type)?.count ?? 0;
  return html`<dl class="facts" aria-label="In figures">
    <div class="card">
      <dt>Active sessions now</dt>
      <dd>
        ${inShort(active)}${isAtLeast ? html`<span aria-hidden="true">+</span><span class="unseen"> or more</span>` : null}
      </dd>
    </div>
    ${SHOWN.map(
      (type) =>
        html`<div class="card">
          <dt>${AUTH_EVENTS[type].many}</dt>
          <dd>${inShort(of(type))}</dd>
        </div>`,
    )}
  </dl>`;
}
