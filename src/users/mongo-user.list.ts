import { type mongo, Types } from 'mongoose';
import type { UserList, UserQuery, UserRecord } from '../core/ports.js';
import { isDate } from '../core/value-kinds.js';
import { prefixRange } from '../database/prefix-range.js';
import { orUnavailable } from '../database/unavailable.js';
import type { UserFields } from '../options/users.options.js';
import { ADMINISTRATOR } from './last-administrator.js';
import type { UserDocument } from './user-document.js';

/** A document of the users collection, as the driver returns it. */
export type StoredUser = UserDocument & { readonly _id: Types.ObjectId };

/** Users that one command looks at if no index answers the query. */
const BATCH = 1_000;
/** Users that one call looks at: then the list ends early, and says where to continue. */
const MAX_LOOKED_AT = 10_000;

/** Reads the row as a user; null if it is none. */
type Read = (row: StoredUser) => Promise<UserRecord | null>;

/** Some documents in the order of the list. `lookedAt` and `last` include those that do not match. */
interface Batch {
  readonly rows: readonly StoredUser[];
  readonly lookedAt: number;
  readonly last: StoredUser | undefined;
  readonly isEnd: boolean;
}

/** Lists the documents of a users collection, and reads a bounded number of them. */
export class MongoUserList {
  constructor(
    private readonly users: mongo.Collection<StoredUser>,
    private readonly fields: UserFields,
    private readonly read: Read,
  ) {}

  async find(query: UserQuery): Promise<UserList> {
    const users: UserRecord[] = [];
    let { after } = query;
    for (let left = MAX_LOOKED_AT; left > 0;) {
      const rest = { ...query, after, limit: query.limit - users.length };
      const { rows, lookedAt, last, isEnd } = await this.batchOf(rest);
      for (const row of rows) {
        const user = await this.read(row);
        // Unreadable documents are skipped, and must not make a page shorter.
        if (user) users.push(user);
      }
      if (isEnd || !last || users.length >= query.limit) return { users };
      after = this.positionOf(last, query);
      left -= lookedAt;
    }
    return { users, after };
  }

  private batchOf(query: UserQuery): Promise<Batch> {
    const { emailPrefix, role, disabled } = query;
    if (role === undefined && disabled === undefined) return this.matching(query);
    return role === ADMINISTRATOR && emailPrefix === undefined
      ? this.administrators(query)
      : this.matchingAmongNext(query);
  }

  private async matching(query: UserQuery): Promise<Batch> {
    const filter = { ...this.rangeOf(query), ...this.conditionsOf(query) };
    return wholeBatch(await this.sorted(filter, query, { limit: query.limit }), query);
  }

  /** By the index of administrators, which begins with `disabledAt`. */
  private async administrators({ disabled, ...query }: UserQuery): Promise<Batch> {
    const kinds = disabled === undefined ? [true, false] : [disabled];
    const batches = await Promise.all(kinds.map((kind) => this.matching({ ...query, disabled: kind })));
    const rows = batches.flatMap((batch) => batch.rows);
    return wholeBatch(rows.sort(newestFirst).slice(0, query.limit), query);
  }

  /** Reads the few fields that decide of the next users, and all fields of those that match. */
  private async matchingAmongNext(query: UserQuery): Promise<Batch> {
    const { email, roles, disabledAt } = this.fields;
    const projection = { [email]: 1, [roles]: 1, [disabledAt]: 1 };
    const next = await this.sorted(this.rangeOf(query), query, { limit: BATCH, projection });
    const found = next.filter((row) => this.matches(row, query)).slice(0, query.limit);
    const isFull = found.length === query.limit;
    // The conditions again: a user may have changed meanwhile.
    const filter = { _id: { $in: found.map(({ _id }) => _id) }, ...this.conditionsOf(query) };
    return {
      rows: found.length === 0 ? [] : await this.sorted(filter, query, {}),
      lookedAt: next.length,
      last: (isFull ? found : next).at(-1),
      isEnd: !isFull && next.length < BATCH,
    };
  }

  private sorted(
    filter: Record<string, unknown>,
    { emailPrefix }: UserQuery,
    options: mongo.FindOptions,
  ): Promise<StoredUser[]> {
    const sort: Record<string, 1 | -1> = emailPrefix === undefined ? { _id: -1 } : { [this.fields.email]: 1 };
    return orUnavailable(() =>
      this.users.find(filter as mongo.Filter<StoredUser>, { ...options, sort }).toArray(),
    );
  }

  private rangeOf({ emailPrefix, after }: UserQuery): Record<string, unknown> {
    if (emailPrefix !== undefined) return { [this.fields.email]: prefixRange(emailPrefix, after) };
    const lastId = after === undefined ? null : objectId(after);
    return lastId ? { _id: { $lt: lastId } } : {};
  }

  private conditionsOf({ role, disabled }: UserQuery): Record<string, unknown> {
    const { roles, disabledAt } = this.fields;
    return {
      // `$eq` makes the input a value, never an operator.
      ...(role !== undefined && { [roles]: { $eq: role } }),
      ...(disabled !== undefined && { [disabledAt]: disabled ? { $gt: new Date(0) } : null }),
    };
  }

  /** The same as {@link conditionsOf}, for a document that was read. */
  private matches(row: StoredUser, { role, disabled }: UserQuery): boolean {
    const given = row[this.fields.roles];
    const disabledAt = row[this.fields.disabledAt];
    const isDisabled = isDate(disabledAt) && disabledAt.getTime() > 0;
    return (
      (role === undefined || (Array.isArray(given) && given.includes(role))) &&
      (disabled === undefined || isDisabled === disabled)
    );
  }

  private positionOf(row: StoredUser, { emailPrefix }: UserQuery): string {
    return emailPrefix === undefined ? String(row._id) : (row[this.fields.email] as string);
  }
}

/** The documents that match, if no other was looked at. */
function wholeBatch(rows: readonly StoredUser[], { limit }: UserQuery): Batch {
  return { rows, lookedAt: rows.length, last: rows.at(-1), isEnd: rows.length < limit };
}

function newestFirst(one: StoredUser, other: StoredUser): number {
  return String(one._id) < String(other._id) ? 1 : -1;
}

/** Null for an id of another form, which no user has: it must not cause an error in the driver. */
export function objectId(id: string): Types.ObjectId | null {
  return /^[0-9a-f]{24}$/i.test(id) ? new Types.ObjectId(id) : null;
}
