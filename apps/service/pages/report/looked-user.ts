import type { AuthClient, AuthSessionInfo } from 'nestjs-silent-auth-client';
import type { Problem } from './service.js';
import { type Standing, standingOf } from './standing.js';
import type { UserEvent } from './user-event.js';
import { UserSource } from './user-source.js';

/** Who is looked into, and what is known of him. */
export class LookedUser {
  readonly source: UserSource;
  /** Null: not read yet, or there is no such user. */
  sessions: readonly AuthSessionInfo[] | null = null;
  /** The newest first; null: not read yet. */
  events: readonly UserEvent[] | null = null;
  isGone = false;
  private nextCursor: string | undefined;
  /** As this page has just left him; the log may not tell yet. */
  private left: Standing | null = null;
  private readonly reading = new AbortController();

  constructor(
    auth: Pick<AuthClient, 'fetch'>,
    readonly id: string,
    /** Where the keyboard was before. */
    readonly opener: HTMLElement,
  ) {
    this.source = new UserSource(auth, id, this.reading.signal);
  }

  /** Whether nobody else has been chosen since. */
  get isWanted(): boolean {
    return !this.reading.signal.aborted;
  }

  get hasOlder(): boolean {
    return this.nextCursor !== undefined;
  }

  get standing(): Standing {
    return this.left ?? standingOf(this.events ?? [], this.sessions?.length ?? 0);
  }

  /** What is under way is let go. */
  drop(): void {
    this.reading.abort();
  }

  /** What has been done to him here; null: nothing that is still news. */
  leftAs(standing: Standing | null): void {
    this.left = standing;
  }

  /** Gives what went wrong; what could not be read stays as it was. */
  async read(): Promise<unknown[]> {
    const [sessions, page] = await Promise.allSettled([this.source.sessions(), this.source.events()]);
    if (page.status === 'fulfilled') {
      this.events = page.value.items;
      this.nextCursor = page.value.nextCursor;
    }
    if (sessions.status === 'fulfilled') this.sessions = sessions.value;
    this.isGone = sessions.status === 'rejected' && (sessions.reason as Problem).status === 404;
    if (this.isGone) this.sessions = null;
    return [sessions, page].flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  }

  /** Whether there is more than before. @throws Problem */
  async readOlder(): Promise<boolean> {
    const cursor = this.nextCursor;
    if (cursor === undefined) return false;
    const { items, nextCursor } = await this.source.events(cursor);
    // Read anew, or asked for twice, meanwhile.
    if (this.nextCursor !== cursor) return false;
    this.events = [...(this.events ?? []), ...items];
    this.nextCursor = nextCursor;
    return true;
  }
}
