import { LRUCache } from 'lru-cache';
import { noticeKey, noticeKind, silenceMs, toldBy } from '../core/notices.js';
import type { Notice } from '../core/mail.js';

const REMEMBERED = 20_000;
/** Messages of one kind that a user gets within the hour, whatever they are about. */
const MAX_OF_A_KIND = 5;
const HOUR_MS = 3_600_000;

/**
 * Keeps strangers from filling a user's mailbox: what he was told is not told again for a while, and of one kind he gets a
 * few messages an hour. In bounded memory of this process; who is forgotten for want of room may be told again.
 */
export class NoticeLimit {
  private readonly told = new LRUCache<string, true>({ max: REMEMBERED });
  private readonly counts = new LRUCache<string, number>({
    max: REMEMBERED,
    ttl: HOUR_MS,
    noUpdateTTL: true,
  });

  /** Whether the notice may go out; it then counts. */
  admit(notice: Notice): boolean {
    const kind = noticeKind(notice);
    const count = this.counts.get(kind) ?? 0;
    if (this.told.has(noticeKey(notice)) || count >= MAX_OF_A_KIND) return false;
    const silence = silenceMs(notice.happening);
    if (silence > 0) for (const each of toldBy(notice)) this.told.set(each, true, { ttl: silence });
    this.counts.set(kind, count + 1);
    return true;
  }

  /** It never went out: the next of its kind may. */
  forget(notice: Notice): void {
    for (const each of toldBy(notice)) this.told.delete(each);
    const kind = noticeKind(notice);
    const count = this.counts.get(kind);
    if (count !== undefined) this.counts.set(kind, Math.max(0, count - 1));
  }
}
