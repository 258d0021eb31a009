import type { AuthClient, AuthSessionInfo } from 'nestjs-silent-auth-client';
import type { Problem } from './service.js';
import type { UserEvent } from './user-event.js';
import { type UserRecord, UserSource } from './user-source.js';

/** The user who is looked up, and what is known about them. */
export class LookedUser {
  readonly source: UserSource;
  /** Null: not read yet, or there is no such user. */
  record: UserRecord | null = null;
  /** Null: not read yet, or there is no such user. */
  sessions: readonly AuthSessionInfo[] | null = null;
  /** The newest first; null: not read yet. */
  events: readonly UserEvent[] | null = null;
  isGone = false;
  private nextCursor: string | undefined;
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

  /** Ends the requests that are under way. */
  drop(): void {
    this.reading.abort();
  }

  /** Returns what went wrong; what could not be read stays as it was. */
  async read(): Promise<unknown[]> {
    const [record, sessions, page] = await Promise.allSettled([
      this.source.user(),
      this.source.sessions(),
      this.source.events(),
    ]);
    if (page.status === 'fulfilled') {
      this.events = page.value.items;
      this.nextCursor = page.value.nextCursor;
    }
    if (record.status === 'fulfilled') this.record = record.value;
    if (sessions.status === 'fulfilled') this.sessions = sessions.value;
    this.isGone = record.status === 'rejected' && (record.reason as Problem).status === 404;
    if (this.isGone) this.record = this.sessions = null;
    return [record, sessions, page].flatMap((each) =>
      each.status === 'rejected' ? [each.reason as unknown] : [],
    );
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
