import type { AuthSessionInfo } from 'nestjs-silent-auth-client';
import { byId, setText } from '../dom.js';
import { eventLines } from './event-lines.js';
import type { LookedUser } from './looked-user.js';
import type { UserEvent } from './user-event.js';
import { accountFacts } from './user-facts.js';
import { eventItem, sessionItem } from './user-lists.js';

/** Undefined: not read yet, so the user may be either. */
type Standing = 'enabled' | 'disabled' | undefined;

/** What the panel shows of a user. */
export class UserView {
  private readonly user = byId('user');
  private readonly name = byId('user-name');
  private readonly facts = byId('user-facts');
  private readonly sessions = byId('user-sessions');
  private readonly events = byId('user-events');

  /** Nothing of the user who was shown before is left. */
  clear(): void {
    this.user.hidden = true;
    for (const id of ['account-part', 'sessions-part', 'events-part', 'acts', 'older'])
      byId(id).hidden = true;
    for (const list of [this.facts, this.sessions, this.events]) list.replaceChildren();
    this.setName('', '');
    this.setBusy(false);
    this.tell('');
    this.warn([]);
    for (const id of ['standing', 'sessions-count']) setText(byId(id), '');
  }

  /** The keyboard goes on here. */
  open(): void {
    this.user.hidden = false;
    this.name.focus();
  }

  /** It may be far from the button in the report that opened it. */
  bringIntoSight(): void {
    const { top } = this.user.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.user.scrollIntoView({ block: 'start' });
  }

  setName(name: string, id: string): void {
    setText(this.name, name);
    setText(byId('user-known-by'), id);
  }

  setBusy(isBusy: boolean): void {
    this.user.ariaBusy = String(isBusy);
  }

  /** Good news, said when there is a pause. */
  tell(news: string): void {
    setText(byId('user-news'), news);
  }

  /** What went wrong, said at once. */
  warn(problems: readonly string[]): void {
    byId('user-problem').hidden = problems.length === 0;
    setText(byId('user-problem'), [...new Set(problems)].join(' '));
  }

  /** @param readerId whose acts are "by you" */
  show(user: LookedUser, readerId: string | undefined): void {
    byId('account-part').hidden = user.record === null;
    this.facts.replaceChildren(...(user.record ? accountFacts(user.record, user.events ?? []) : []));
    this.showSessions(user.sessions);
    if (user.events) this.showEvents(user.events, user.hasOlder, readerId);
    if (user.isGone) byId('acts').hidden = true;
    else this.offer(standingOf(user));
  }

  get eventCount(): number {
    return this.events.childElementCount;
  }

  /** The keyboard goes on at a line of what happened. */
  focusEvent(index: number): void {
    const line = (this.events.children[index] ?? this.events.lastElementChild) as HTMLElement | null;
    if (!line) return;
    line.tabIndex = -1;
    line.focus();
  }

  private showSessions(sessions: readonly AuthSessionInfo[] | null): void {
    byId('sessions-part').hidden = sessions === null;
    byId('no-sessions').hidden = sessions?.length !== 0;
    this.sessions.replaceChildren(...(sessions ?? []).map(sessionItem));
    setText(byId('sessions-count'), sessions ? String(sessions.length) : '');
  }

  private showEvents(events: readonly UserEvent[], hasOlder: boolean, readerId: string | undefined): void {
    byId('events-part').hidden = false;
    byId('no-events').hidden = events.length > 0;
    byId('older').hidden = !hasOlder;
    this.events.replaceChildren(...eventLines(events).map((line) => eventItem(line, readerId)));
  }

  /** What makes sense; both, where the account could not be read. */
  private offer(standing: Standing): void {
    const [disable, enable] = [byId('disable'), byId('enable')];
    const focused = document.activeElement;
    byId('acts').hidden = false;
    disable.hidden = standing === 'disabled';
    enable.hidden = standing === 'enabled';
    setText(byId('standing'), standing === 'disabled' ? 'disabled' : '');
    // The one in place of the other.
    if (focused === disable && disable.hidden) enable.focus();
    if (focused === enable && enable.hidden) disable.focus();
  }
}

function standingOf({ record }: LookedUser): Standing {
  if (!record) return undefined;
  return record.disabledAt === null ? 'enabled' : 'disabled';
}
