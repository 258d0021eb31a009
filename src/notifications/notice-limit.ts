import { LRUCache } from 'lru-cache';
import { HOUR_MS } from '../core/limits.js';
import type { Notice } from '../core/mail.js';
import { noticeKey, noticeKind, silenceMs, toldBy } from './notices.js';

const REMEMBERED = 20_000;
/** Messages of one kind per user and hour. */
const MAX_OF_A_KIND = 5;

/**
 * Keeps strangers from filling a user's mailbox: the same notice is not repeated for a while, and each kind has a limit per
 * hour. In bounded memory of this process, so a notice can be repeated when its entry was evicted.
 */
export class NoticeLimit {
  private readonly told = new LRUCache<string, true>({ max: REMEMBERED });
  private readonly counts = new LRUCache<string, number>({
    max: REMEMBERED,
    ttl: HOUR_MS,
    noUpdateTTL: true,
  });

  /** Whether the notice may be sent; if so, it counts. */
  admit(notice: Notice): boolean {
    const kind = noticeKind(notice);
    const count = this.counts.get(kind) ?? 0;
    if (this.told.has(noticeKey(notice)) || count >= MAX_OF_A_KIND) return false;
    const silence = silenceMs(notice.happening);
    if (silence > 0) for (const each of toldBy(notice)) this.told.set(each, true, { ttl: silence });
    this.counts.set(kind, count + 1);
    return true;
  }

  /** Takes back a notice that was not sent. */
  forget(notice: Notice): void {
    for (const each of toldBy(notice)) this.told.delete(each);
    const kind = noticeKind(notice);
    const count = this.counts.get(kind);
    if (count !== undefined) this.counts.set(kind, Math.max(0, count - 1));
  }
}
