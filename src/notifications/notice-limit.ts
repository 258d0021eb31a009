import { LRUCache } from 'lru-cache';
import { HOUR_MS } from '../core/limits.js';
import type { Notice } from '../core/mail.js';
import { coveredBy, noticeKey, noticeKind, silenceMs } from './notices.js';

const REMEMBERED = 20_000;
/** Messages of one kind per user and hour. */
const MAX_OF_A_KIND = 5;

/**
 * Keeps strangers from filling a user's mailbox: the same notice is not repeated for a while, and each kind has a limit per
 * hour. The memory is bounded and per process, so a notice can be repeated after its entry was evicted.
 */
export class NoticeLimit {
  private readonly sent = new LRUCache<string, true>({ max: REMEMBERED });
  private readonly counts = new LRUCache<string, number>({
    max: REMEMBERED,
    ttl: HOUR_MS,
    noUpdateTTL: true,
  });

  /** Returns whether the notice may be sent, and counts it if so. */
  admit(notice: Notice): boolean {
    const kind = noticeKind(notice);
    const count = this.counts.get(kind) ?? 0;
    if (this.sent.has(noticeKey(notice)) || count >= MAX_OF_A_KIND) return false;
    const silence = silenceMs(notice.event);
    if (silence > 0) for (const each of coveredBy(notice)) this.sent.set(each, true, { ttl: silence });
    this.counts.set(kind, count + 1);
    return true;
  }

  /** Takes back a notice that was not sent. */
  forget(notice: Notice): void {
    for (const each of coveredBy(notice)) this.sent.delete(each);
    const kind = noticeKind(notice);
    const count = this.counts.get(kind);
    if (count !== undefined) this.counts.set(kind, Math.max(0, count - 1));
  }
}
