import { LRUCache } from 'lru-cache';

/** Beyond this limit the session that was noted longest ago is forgotten: its next reissue revokes more than it needs to. */
const MAX_SESSIONS = 10_000;

interface Range {
  /** Generations after this one, up to `upTo`, are revoked. */
  readonly after: number;
  readonly upTo: number;
}

/**
 * The generations of sessions that reissues of this process have revoked and abandoned. No access token of them is minted
 * any more, so a later reissue does not write their revocations again.
 */
export class AbandonedGenerations {
  private readonly bySession = new LRUCache<string, Range>({ max: MAX_SESSIONS });

  /** The first generation after `presented` that must be revoked in a session whose current one is `current`. */
  firstAfter(sessionId: string, presented: number, current: number): number {
    const known = this.bySession.peek(sessionId);
    // A session that was restored from a backup counts from a lower number, and mints for these generations again.
    if (known && known.upTo >= current) this.bySession.delete(sessionId);
    else if (known && known.after <= presented) return Math.max(presented, known.upTo) + 1;
    return presented + 1;
  }

  /** Notes that a reissue was written: the generations after `presented` up to `current` are revoked and abandoned. */
  note(sessionId: string, presented: number, current: number): void {
    const known = this.bySession.peek(sessionId);
    const after = known && presented <= known.upTo ? Math.min(known.after, presented) : presented;
    this.bySession.set(sessionId, { after, upTo: current });
  }
}
