import type { AuthClient, AuthSessionInfo } from 'nestjs-silent-auth-client';
import { ask, Problem } from './service.js';
import type { EventPage } from './user-event.js';

/** So many rows at once. */
const PAGE = '20';

const GONE = 'There is no such user, or none any more.';
const NO_LOG = 'This service keeps no audit log. AUDIT=on makes it keep one.';

/** One user, as the routes of administrators give him and what they can do to him. Every method throws `Problem`. */
export class UserSource {
  private readonly path: string;

  constructor(
    private readonly auth: Pick<AuthClient, 'fetch'>,
    readonly id: string,
    private readonly signal: AbortSignal,
  ) {
    this.path = `/auth/admin/users/${encodeURIComponent(id)}`;
  }

  /** Live ones, the latest use first. */
  sessions(): Promise<readonly AuthSessionInfo[]> {
    return this.get(`${this.path}/sessions`, GONE);
  }

  /** The newest first. */
  events(cursor?: string): Promise<EventPage> {
    const query = { userId: this.id, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    return this.get(`/auth/admin/events?${new URLSearchParams(query).toString()}`, NO_LOG);
  }

  endSessions(): Promise<void> {
    return this.order('DELETE', 'sessions');
  }

  /** @param isSelf nobody disables himself, whatever his role: the same status has another reason then */
  disable(isSelf: boolean): Promise<void> {
    const own = 'You cannot disable yourself: nobody might be left to undo it. Another administrator can.';
    return this.order('POST', 'disable', isSelf ? { 403: own } : {});
  }

  enable(): Promise<void> {
    return this.order('POST', 'enable');
  }

  private get<T>(url: string, missing: string): Promise<T> {
    const read = async (answer: Response) => {
      if (answer.headers.get('content-type')?.startsWith('application/json'))
        return (await answer.json()) as T;
      throw new Problem('What came is no answer of the service. Is something between it and this page?');
    };
    return ask(this.auth, { url, init: { signal: this.signal }, read, refusals: { 404: missing } });
  }

  private order(method: string, name: string, refusals: Readonly<Partial<Record<number, string>>> = {}) {
    return ask(this.auth, {
      url: `${this.path}/${name}`,
      // Not taken back when somebody else is looked into: it may have been done.
      init: { method },
      read: async () => undefined,
      refusals: { 404: GONE, ...refusals },
    });
  }
}
