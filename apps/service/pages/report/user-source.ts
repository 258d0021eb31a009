import type { AuthClient, AuthSessionInfo } from 'nestjs-silent-auth-client';
import { ask, Problem } from './service.js';
import type { EventPage } from './user-event.js';

const EVENTS_AT_ONCE = '20';
const FOUND_AT_ONCE = '10';

const USERS = '/auth/admin/users';
const GONE = 'There is no such user.';
const NO_LOG = 'This service keeps no audit log. AUDIT=on makes it keep one.';
const NO_LIST = 'This service cannot search its users by address: give the id of the user.';

type Client = Pick<AuthClient, 'fetch'>;
type Refusals = Readonly<Partial<Record<number, string>>>;

/** A user as the routes of administrators show them. */
export interface UserRecord {
  readonly id: string;
  readonly email: string;
  readonly name?: string;
  readonly roles: readonly string[];
  readonly createdAt: string;
  readonly emailVerifiedAt: string | null;
  /** Null: the user may sign in. */
  readonly disabledAt: string | null;
  readonly hasPassword: boolean;
}

export interface UserPage {
  readonly items: readonly UserRecord[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** An access token that acts for a user. */
export interface ActingToken {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/** Users whose address begins with a text. @throws Problem */
export function findUsers(auth: Client, email: string, signal: AbortSignal): Promise<UserPage> {
  const query = new URLSearchParams({ email, limit: FOUND_AT_ONCE });
  return get(auth, `${USERS}?${query.toString()}`, signal, NO_LIST);
}

/** One user: what the routes of administrators show, and what they can do. Every method throws `Problem`. */
export class UserSource {
  private readonly path: string;

  constructor(
    private readonly auth: Client,
    readonly id: string,
    private readonly signal: AbortSignal,
  ) {
    this.path = `${USERS}/${encodeURIComponent(id)}`;
  }

  user(): Promise<UserRecord> {
    return get(this.auth, this.path, this.signal, GONE);
  }

  /** Live ones, the latest use first. */
  sessions(): Promise<readonly AuthSessionInfo[]> {
    return get(this.auth, `${this.path}/sessions`, this.signal, GONE);
  }

  /** The newest first. */
  events(cursor?: string): Promise<EventPage> {
    const query = { userId: this.id, limit: EVENTS_AT_ONCE, ...(cursor === undefined ? {} : { cursor }) };
    return get(this.auth, `/auth/admin/events?${new URLSearchParams(query).toString()}`, this.signal, NO_LOG);
  }

  endSessions(): Promise<void> {
    return this.order('DELETE', '/sessions');
  }

  /** @param isSelf administrators cannot disable themselves: the same status has another reason then */
  disable(isSelf: boolean): Promise<void> {
    const own = 'You cannot disable yourself: nobody might be left to undo it. Another administrator can.';
    return this.order('POST', '/disable', isSelf ? { 403: own } : {});
  }

  enable(): Promise<void> {
    return this.order('POST', '/enable');
  }

  unlock(): Promise<void> {
    return this.order('POST', '/unlock');
  }

  forget(): Promise<void> {
    return this.order('DELETE', '');
  }

  async setRoles(roles: readonly string[]): Promise<void> {
    await this.send('PUT', '/roles', { roles });
  }

  async impersonate(reason: string): Promise<ActingToken> {
    return (await this.send('POST', '/impersonate', { reason })) as ActingToken;
  }

  private send(method: string, path: string, body: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return ask(this.auth, {
      url: this.path + path,
      init: { method, headers, body: JSON.stringify(body) },
      read: readJson,
      refusals: { 404: GONE },
    });
  }

  private order(method: string, path: string, refusals: Refusals = {}): Promise<void> {
    return ask(this.auth, {
      url: this.path + path,
      // Not aborted when another user is looked up: it may have been done.
      init: { method },
      read: async () => undefined,
      refusals: { 404: GONE, ...refusals },
    });
  }
}

function get<T>(auth: Client, url: string, signal: AbortSignal, missing: string): Promise<T> {
  const read = async (answer: Response) => (await readJson(answer)) as T;
  return ask(auth, { url, init: { signal }, read, refusals: { 404: missing } });
}

async function readJson(answer: Response): Promise<unknown> {
  if (answer.headers.get('content-type')?.startsWith('application/json')) return await answer.json();
  throw new Problem('The answer is not from the service. Is a proxy between it and this page?');
}
