import type { AuthSessionInfo } from 'nestjs-silent-auth-client';
import { reasonWords } from '../../../../src/core/reasons.js';
import { browserName } from '../browser-name.js';
import { html } from '../dom.js';
import { moment } from '../times.js';
import { type EventLine, eventWords } from './event-lines.js';
import type { UserEvent } from './user-event.js';

/** How much an event asks to be seen; what is in neither list is ordinary. */
const ALARMING = new Set([
  'refresh_token.reuse_detected',
  'activity.suspected',
  'fingerprint.mismatched',
  'login.locked',
]);
const ASIDE = new Set(['records.viewed']);

export function sessionItem(session: AuthSessionInfo): HTMLLIElement {
  const { current, deviceName, appId, userAgent, ip, createdAt, lastUsedAt } = session;
  const browser = browserName(userAgent);
  const details = [ip || 'unknown address', ...(deviceName ? [browser] : []), ...(appId ? [appId] : [])];
  return html(
    'li',
    {},
    html('strong', {}, html('bdi', {}, deviceName ?? browser)),
    ...(current ? [' ', html('span', { class: 'chip' }, 'this one here')] : []),
    html('small', {}, ...parts(details)),
    html('small', {}, 'last used ', time(lastUsedAt), ', since ', time(createdAt)),
  );
}

/** @param readerId whose acts are "by you" */
export function eventItem({ newest, oldest, count }: EventLine, readerId: string | undefined): HTMLLIElement {
  const { at, by, ip, userAgent, reason } = newest;
  const details = [
    ...(by === undefined ? [] : [by === readerId ? 'by you' : `by administrator ${by}`]),
    ...(ip === undefined ? [] : [ip]),
    ...(userAgent === undefined ? [] : [browserName(userAgent)]),
  ];
  return html(
    'li',
    { class: toneOf(newest) },
    html(
      'p',
      {},
      html('strong', {}, eventWords(newest)),
      ...(count === 1 ? [] : [html('span', { class: 'chip' }, `${count} times`)]),
    ),
    ...(reason === undefined ? [] : [html('p', { class: 'why' }, reasonWords(reason))]),
    html('small', {}, time(at), ...(moment(at) === moment(oldest.at) ? [] : [', first ', time(oldest.at)])),
    ...(details.length === 0 ? [] : [html('small', {}, ...parts(details))]),
  );
}

function toneOf({ type, by }: UserEvent): string {
  if (ALARMING.has(type)) return 'alarming';
  if (ASIDE.has(type)) return 'aside';
  return by === undefined ? 'ordinary' : 'act';
}

export const time = (iso: string): HTMLTimeElement => html('time', { datetime: iso }, moment(iso));

/** What others chose stands apart: its direction of writing does not reach the next part. */
const parts = (texts: readonly string[]): (Node | string)[] =>
  texts.flatMap((text, index) => [...(index === 0 ? [] : [' · ']), html('bdi', {}, text)]);
