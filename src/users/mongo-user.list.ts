import { type mongo, Types } from 'mongoose';
import type { UserList, UserQuery, UserRecord } from '../core/ports.js';
import { ADMINISTRATOR_ROLE } from '../core/roles.js';
import { isDate, isText } from '../core/value-kinds.js';
import { isObjectId } from '../database/damaged-rows.js';
import { prefixRange } from '../database/prefix-range.js';
import { orUnavailable } from '../database/unavailable.js';
import type { UserFields } from '../options/users.options.js';
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
    if (query.limit < 1) return { users };
    let { after } = query;
    for (let left = MAX_LOOKED_AT; left > 0;) {
      const { rows, lookedAt, last, isEnd } = await this.batchOf({ ...query, after });
      for (const row of rows) {
        if (users.length === query.limit) break;
        const user = await this.read(row);
        // Unreadable documents are skipped, and must not make a page shorter.
        if (user) users.push(user);
      }
      const position = last && this.positionOf(last, query);
      if (isEnd || !position || users.length === query.limit) return { users };
      after = position;
      left -= lookedAt;
    }
    return { users, after };
  }

  private batchOf(query: UserQuery): Promise<Batch> {
    const { emailPrefix, role, disabled } = query;
    if (role === undefined && disabled === undefined) return this.matching(query);
    return role === ADMINISTRATOR_ROLE && emailPrefix === undefined
      ? this.administrators(query)
      : this.matchingAmongNext(query);
  }

  private async matching(query: UserQuery): Promise<Batch> {
    const filter = { ...this.rangeOf(query), ...this.conditionsOf(query) };
    return wholeBatch(await this.sorted(filter, query, { limit: query.limit }), query);
  }

  /** By the index of administrators, which begins with `disabledAt`: it orders those who are enabled, and those who are not. */
  private async administrators({ disabled, ...query }: UserQuery): Promise<Batch> {
    const kinds = disabled === undefined ? [true, false] : [disabled];
    const batches = await Promise.all(kinds.map((kind) => this.matching({ ...query, disabled: kind })));
    // One who is disabled between the two commands may be in both.
    const rows = byIdOf(batches.flatMap((batch) => batch.rows));
    return wholeBatch([...rows.values()].sort(newestFirst).slice(0, query.limit), query);
  }

  /** Reads only the fields that decide whether the next users match, then all fields of those that do. */
  private async matchingAmongNext(query: UserQuery): Promise<Batch> {
    const { email, roles, disabledAt } = this.fields;
    const projection = { [email]: 1, [roles]: 1, [disabledAt]: 1 };
    const options = { limit: BATCH, batchSize: BATCH, projection };
    const next = await this.sorted(this.rangeOf(query), query, options);
    const found = next.filter((row) => this.matches(row, query)).slice(0, query.limit);
    const isFull = found.length === query.limit;
    return {
      rows: found.length === 0 ? [] : await this.again(found, query),
      lookedAt: next.length,
      last: (isFull ? found : next).at(-1),
      isEnd: !isFull && next.length < BATCH,
    };
  }

  /** All fields of these users, in their order. */
  private async again(found: readonly StoredUser[], query: UserQuery): Promise<StoredUser[]> {
    // The conditions again: a user may have changed meanwhile. No sort: it would invite the database to scan another index.
    const filter = { _id: { $in: found.map(({ _id }) => _id) }, ...this.conditionsOf(query) };
    const rows = byIdOf(
      await orUnavailable(() => this.users.find(filter as mongo.Filter<StoredUser>).toArray()),
    );
    return found.flatMap(({ _id }) => rows.get(String(_id)) ?? []);
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
      // `$eq` makes the input a value, never an operator. A time of 1970 or earlier is no time.
      ...(role !== undefined && { [roles]: { $eq: role } }),
      ...(disabled !== undefined && { [disabledAt]: disabled ? { $gt: new Date(0) } : null }),
    };
  }

  /** The same as {@link conditionsOf} for a user that was read; in doubt true. */
  private matches(row: StoredUser, { role, disabled }: UserQuery): boolean {
    const given = row[this.fields.roles];
    const disabledAt = row[this.fields.disabledAt];
    const isDisabled = isDate(disabledAt) && disabledAt.getTime() > 0;
    return (
      (role === undefined || (Array.isArray(given) && given.includes(role))) &&
      (disabled === undefined || isDisabled === disabled)
    );
  }

  /** Null for a document that is no user and has no position, such as one whose id is a text: those come last. */
  private positionOf(row: StoredUser, { emailPrefix }: UserQuery): string | null {
    const email = row[this.fields.email];
    if (emailPrefix !== undefined) return isText(email) ? email : null;
    return isObjectId(row._id) ? row._id.toHexString() : null;
  }
}

/** The documents that match, if no other was looked at. */
function wholeBatch(rows: readonly StoredUser[], { limit }: UserQuery): Batch {
  return { rows, lookedAt: rows.length, last: rows.at(-1), isEnd: rows.length < limit };
}

function byIdOf(rows: readonly StoredUser[]): Map<string, StoredUser> {
  return new Map(rows.map((row) => [String(row._id), row]));
}

function newestFirst(one: StoredUser, other: StoredUser): number {
  return String(one._id) < String(other._id) ? 1 : -1;
}

/** Null for an id of another form, which no user has: it must not cause an error in the driver. */
export function objectId(id: string): Types.ObjectId | null {
  return /^[0-9a-f]{24}$/i.test(id) ? new Types.ObjectId(id) : null;
}
