import type { OnModuleInit } from '@nestjs/common';
import { type Model, type mongo, Types } from 'mongoose';
import { AuthError } from '../core/errors.js';
import { DUPLICATE_KEY } from '../core/limits.js';
import type {
  EmailChange,
  NewUser,
  RolesChange,
  UserList,
  UserQuery,
  UserRecord,
  UserStore,
} from '../core/ports.js';
import { ADMINISTRATOR_ROLE } from '../core/roles.js';
import { DamagedRows } from '../database/damaged-rows.js';
import type { IndexRegistry } from '../database/index-registry.js';
import { type IndexDescription, keysOf } from '../database/index-state.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import { DEFAULT_USER_FIELDS, type UserFields } from '../options/users.options.js';
import { MongoUserList, objectId, type StoredUser } from './mongo-user.list.js';
import { randomVersion } from './random-version.js';
import type { User } from './user.schema.js';
import { count, EMPTY_CENSUS, type KnowsHash, odditiesOf, type UserCensus } from './user-census.js';
import { problemsOf, problemsOnceCompleted, readUser, toDocument } from './user-document.js';

/** Keeps users in the users collection of the host's connection, in fields whose names the host can choose. */
export class MongoUserStore implements UserStore, OnModuleInit {
  private readonly damaged: DamagedRows;

  constructor(
    private readonly model: Model<User>,
    private readonly indexes: IndexRegistry,
    private readonly fields: UserFields = DEFAULT_USER_FIELDS,
  ) {
    const advice = 'correct it, or give the field another name by users.fields';
    this.damaged = new DamagedRows(model.collection.collectionName, advice);
  }

  /** The unique index on the address must exist before the first registration. */
  async onModuleInit(): Promise<void> {
    await this.indexes.build(this.model, userIndexes(this.fields));
  }

  async findById(id: string): Promise<UserRecord | null> {
    const _id = objectId(id);
    return _id && this.findOne({ _id });
  }

  async findByEmail(email: string): Promise<UserRecord | null> {
    return this.findOne({ [this.fields.email]: email });
  }

  async create({ fields, ...user }: NewUser): Promise<UserRecord> {
    const _id = new Types.ObjectId();
    const own = toDocument(this.fields, { ...user, disabledAt: null });
    try {
      await orUnavailable(() => this.users.insertOne({ ...fields, ...own, _id }));
    } catch (cause) {
      throw await this.conflictOf(cause, user.email);
    }
    return { ...user, ...(fields && { fields }), id: _id.toHexString(), disabledAt: null };
  }

  async setPassword(
    id: string,
    change: { passwordHash: string; tokenVersion: string; ifTokenVersion: string },
  ): Promise<boolean> {
    const { passwordHash, tokenVersion, ifTokenVersion } = change;
    return this.update(id, { tokenVersion: ifTokenVersion }, { passwordHash, tokenVersion });
  }

  async upgradePasswordHash(
    id: string,
    change: { passwordHash: string; ifPasswordHash: string },
  ): Promise<void> {
    await this.update(id, { passwordHash: change.ifPasswordHash }, { passwordHash: change.passwordHash });
  }

  async replaceTokenVersion(id: string, tokenVersion: string): Promise<string | null> {
    const before = await this.replace(id, { tokenVersion });
    return before ? String(before[this.fields.tokenVersion]) : null;
  }

  async setDisabledAt(id: string, disabledAt: Date | null): Promise<boolean> {
    return this.update(id, {}, { disabledAt });
  }

  async setEmailVerifiedAt(id: string, emailVerifiedAt: Date): Promise<void> {
    await this.update(id, { emailVerifiedAt: null }, { emailVerifiedAt });
  }

  async setRoles(id: string, change: RolesChange): Promise<{ rolesVersion: string | null } | null> {
    const before = await this.replace(id, { ...change });
    if (!before) return null;
    const replaced = before[this.fields.rolesVersion];
    return { rolesVersion: typeof replaced === 'string' ? replaced : null };
  }

  async setEmail(id: string, { email, ifEmail, emailVerifiedAt }: EmailChange): Promise<boolean> {
    try {
      return await this.update(id, { email: ifEmail }, { email, emailVerifiedAt });
    } catch (cause) {
      throw await this.conflictOf(cause, email);
    }
  }

  async list(query: UserQuery): Promise<UserList> {
    return new MongoUserList(this.users, this.fields, (row) => this.read(row)).find(query);
  }

  async remove(id: string): Promise<boolean> {
    const _id = objectId(id);
    if (!_id) return false;
    const { deletedCount } = await orUnavailable(() => this.users.deleteOne({ _id }));
    return deletedCount === 1;
  }

  /** Counts what is odd about the oldest documents. @param limit how many documents to read */
  async census(limit: number, knowsHash: KnowsHash): Promise<UserCensus> {
    const projection = Object.fromEntries(Object.values(this.fields).map((name) => [name, 1]));
    const options: mongo.FindOptions = { sort: { _id: 1 }, limit, projection };
    const rows = await orUnavailable(() => this.users.find({}, options).toArray());
    const census = { ...EMPTY_CENSUS };
    for (const row of rows) count(census, odditiesOf(this.fields, row, knowsHash));
    return census;
  }

  private get users(): mongo.Collection<StoredUser> {
    return nativeCollection(this.model) as unknown as mongo.Collection<StoredUser>;
  }

  private async findOne(filter: object): Promise<UserRecord | null> {
    return this.read(await orUnavailable(() => this.users.findOne(filter)));
  }

  private async read(row: StoredUser | null): Promise<UserRecord | null> {
    const { fields } = this;
    return this.damaged.read(
      row && (await this.complete(row)),
      (document) => readUser(fields, document),
      (document) => problemsOf(fields, document).join(', '),
    );
  }

  /**
   * Documents of an existing collection have no token version. It is generated at the first read, and written only if there is
   * still none, so that all processes agree on it.
   */
  private async complete(row: StoredUser): Promise<StoredUser> {
    const { tokenVersion } = this.fields;
    if ((row[tokenVersion] ?? null) !== null || problemsOnceCompleted(this.fields, row).length > 0)
      return row;
    const { _id } = row;
    const missing = { _id, [tokenVersion]: null } as mongo.Filter<StoredUser>;
    const drawn = { $set: { [tokenVersion]: randomVersion() } } as mongo.UpdateFilter<StoredUser>;
    return orUnavailable(async () => {
      const options = { returnDocument: 'after' } as const;
      const completed = await this.users.findOneAndUpdate(missing, drawn, options);
      // If nothing matched, another process was first.
      return completed ?? (await this.users.findOne({ _id })) ?? row;
    });
  }

  private async update(
    id: string,
    condition: Partial<Record<keyof UserFields, unknown>>,
    set: Partial<Record<keyof UserFields, unknown>>,
  ): Promise<boolean> {
    const filter = { _id: objectId(id), ...toDocument(this.fields, condition) } as mongo.Filter<StoredUser>;
    const change = { $set: toDocument(this.fields, set) } as mongo.UpdateFilter<StoredUser>;
    const { matchedCount } = await orUnavailable(() => this.users.updateOne(filter, change));
    return matchedCount === 1;
  }

  /** Sets fields. @returns the document before the change; null if there is none */
  private async replace(
    id: string,
    set: Partial<Record<keyof UserFields, unknown>>,
  ): Promise<StoredUser | null> {
    const _id = objectId(id);
    if (!_id) return null;
    const change = { $set: toDocument(this.fields, set) } as mongo.UpdateFilter<StoredUser>;
    const options = { returnDocument: 'before' } as const;
    return orUnavailable(
      async () => this.users.findOneAndUpdate({ _id }, change, options) as Promise<StoredUser | null>,
    );
  }

  /** The error for a refused write: `EMAIL_TAKEN` only if another user has the address. */
  private async conflictOf(cause: unknown, email: string): Promise<unknown> {
    const { code, keyPattern } = cause as { code?: unknown; keyPattern?: Record<string, unknown> };
    if (code !== DUPLICATE_KEY) return cause;
    const names = Object.keys(keyPattern ?? {});
    // Servers before 4.2 do not report which key it was.
    const isEmail = keyPattern
      ? names.length === 1 && names[0] === this.fields.email
      : (await this.findByEmail(email)) !== null;
    if (isEmail) return new AuthError('EMAIL_TAKEN', { cause });
    const index = await this.nameOf(keyPattern);
    // Without the cause, because the server's message quotes the value.
    return new AuthError('INTERNAL', {
      detail:
        `the unique index ${index} on ${this.model.collection.collectionName} refuses the user; the library did not create it: ` +
        `drop it, make it sparse, or fill its fields at registration (registration.fields)`,
    });
  }

  private async nameOf(keyPattern: Record<string, unknown> | undefined): Promise<string> {
    if (!keyPattern) return 'of another field';
    const keys = keysOf({ key: keyPattern });
    const present = await this.users.indexes().catch(() => []);
    const name: unknown = present.find((index) => keysOf(index) === keys)?.name;
    return typeof name === 'string' ? `${name} ${keys}` : keys;
  }
}

/** The indexes of a users collection with these names of fields. */
function userIndexes({ email, roles, disabledAt }: UserFields): readonly IndexDescription[] {
  return [
    { key: { [email]: 1 }, unique: true },
    // Contains only administrators, so it is tiny: finding another administrator must not read every user.
    { key: { [disabledAt]: 1, _id: -1 }, partialFilterExpression: { [roles]: ADMINISTRATOR_ROLE } },
  ];
}
