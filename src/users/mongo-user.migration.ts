import { type Connection, type mongo, Types } from 'mongoose';
import { normalizeEmail } from '../core/email.js';
import { DUPLICATE_KEY } from '../core/limits.js';
import { durableCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import type { AuthOptions } from '../options/auth-options.js';
import { readCollections } from '../options/collections.options.js';
import { OptionReader } from '../options/option-reader.js';
import { readPassword } from '../options/password.options.js';
import { unknownKeys } from '../options/unknown-keys.js';
import { readUsers, type UserFields } from '../options/users.options.js';
import { randomVersion } from './random-version.js';
import {
  count,
  EMPTY_CENSUS,
  knownHashes,
  odditiesOf,
  type UserCensus,
  type UserOddities,
} from './user-census.js';
import { toDocument, type UserDocument } from './user-document.js';

/** The options about where users are and how their passwords are hashed; the whole `AuthOptions` is also accepted. */
export type UserMigrationOptions = Pick<AuthOptions, 'collections' | 'users' | 'password'>;

export interface UserMigrationSettings {
  /**
   * Only reports; changes nothing.
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * Roles for users without a roles field.
   * @default []
   */
  readonly roles?: readonly string[];
}

/** What was found and done. Contains ids but no addresses. */
export interface UserMigrationReport extends Readonly<UserCensus> {
  /** Documents that were completed or whose address was normalised; with `dryRun`, those that would be. */
  readonly fixed: number;
  /** Ids of users whose normalised address another user also has: decide which of them keeps it. */
  readonly duplicateEmails: readonly string[];
  /** The first hundred documents that need a manual fix. */
  readonly problems: readonly { readonly id: string; readonly problem: string }[];
}

const MAX_PROBLEMS = 100;
const BATCH = 100;

/**
 * Makes the documents of an existing users collection what the library expects: normalised addresses, a token version,
 * roles, a creation time. It changes a field only if nobody else has changed it meanwhile, so the service may run at the
 * same time, and the migration can be repeated. It holds the addresses of all users in memory, about 100 bytes each.
 *
 * It removes nothing and skips what it cannot decide: two users with one address, hashes of unknown kind, fields of another
 * type.
 * @throws ConfigurationError, AuthError `TEMPORARILY_UNAVAILABLE`
 */
export async function migrateUsers(
  connection: Connection,
  options: UserMigrationOptions,
  { dryRun = false, roles = [] }: UserMigrationSettings = {},
): Promise<UserMigrationReport> {
  const { collection, fields, knowsHash } = resolve(options);
  await connection.asPromise();
  const users = durableCollection<mongo.Document>(connection, collection);
  const owners = await countAddresses(users, fields);
  const census = { ...EMPTY_CENSUS };
  const duplicateEmails: string[] = [];
  const problems: { id: string; problem: string }[] = [];
  let fixed = 0;
  const report = (id: string, problem: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push({ id, problem });
  };
  const visit = async (document: UserDocument): Promise<void> => {
    const id = String(document._id);
    const oddities = odditiesOf(fields, document, knowsHash);
    count(census, oddities);
    for (const problem of oddities.problems) report(id, problem);
    if (!oddities.isHashKnown) report(id, `${fields.passwordHash} is a hash of unknown kind`);
    const address = oddities.email ?? document[fields.email];
    const isTaken = typeof address === 'string' && (owners.get(address) ?? 0) > 1;
    if (isTaken) duplicateEmails.push(id);
    const change = changeOf(fields, document, isTaken ? { ...oddities, email: null } : oddities, roles);
    if (!change || oddities.problems.length > 0) return;
    const outcome = dryRun ? 'changed' : await apply(users, change);
    if (outcome === 'changed') fixed += 1;
    // A user has registered with the address meanwhile.
    if (outcome === 'taken') duplicateEmails.push(id);
  };
  await forEachBatch(users, {}, async (batch) => void (await Promise.all(batch.map(visit))));
  return { ...census, fixed, duplicateEmails, problems };
}

type Users = mongo.Collection<mongo.Document>;

interface Change {
  readonly filter: Record<string, unknown>;
  readonly set: Record<string, unknown>;
}

function resolve(options: UserMigrationOptions) {
  const read = new OptionReader<UserMigrationOptions>(options);
  const collections = readCollections(read.group('collections'));
  const { fields } = readUsers(read.group('users'));
  const { hasher, verifiers } = readPassword(read.group('password'));
  // Only these groups are read here. A misspelt name in them would select another collection.
  const { collections: names, users, password } = options;
  read.problems.unshift(...unknownKeys({ collections: names, users, password }, read.names));
  read.done();
  // A hasher of the host is assumed to know all hashes.
  return { collection: collections.users, fields, knowsHash: hasher ? () => true : knownHashes(verifiers) };
}

/** The number of users per normalised address. */
async function countAddresses(users: Users, { email }: UserFields): Promise<ReadonlyMap<string, number>> {
  const owners = new Map<string, number>();
  await forEachBatch(users, { projection: { [email]: 1 } }, async (batch) => {
    for (const { [email]: address } of batch) {
      if (typeof address !== 'string') continue;
      const normalized = normalizeEmail(address);
      owners.set(normalized, (owners.get(normalized) ?? 0) + 1);
    }
  });
  return owners;
}

/** Null if there is nothing to change. */
function changeOf(
  fields: UserFields,
  document: UserDocument,
  { email, missing }: UserOddities,
  roles: readonly string[],
): Change | null {
  const { _id } = document;
  const drawn = {
    tokenVersion: randomVersion(),
    roles: [...roles],
    createdAt: _id instanceof Types.ObjectId ? _id.getTimestamp() : new Date(),
  };
  const completed = Object.fromEntries(missing.map((name) => [name, drawn[name]]));
  const set = toDocument(fields, { ...completed, ...(email !== null && { email }) });
  if (Object.keys(set).length === 0) return null;
  // The filter matches only if nobody has changed these fields meanwhile.
  const filter = Object.fromEntries(Object.keys(set).map((name) => [name, document[name] ?? null]));
  return { filter: { _id, ...filter }, set };
}

async function apply(users: Users, { filter, set }: Change): Promise<'changed' | 'left' | 'taken'> {
  try {
    const { matchedCount } = await orUnavailable(() => users.updateOne(filter, { $set: set }));
    return matchedCount === 1 ? 'changed' : 'left';
  } catch (error) {
    if ((error as { code?: unknown }).code === DUPLICATE_KEY) return 'taken';
    throw error;
  }
}

async function forEachBatch(
  users: Users,
  options: mongo.FindOptions,
  visit: (batch: readonly UserDocument[]) => Promise<void>,
): Promise<void> {
  await orUnavailable(async () => {
    let batch: UserDocument[] = [];
    for await (const document of users.find({}, { sort: { _id: 1 }, ...options })) {
      batch.push(document);
      if (batch.length < BATCH) continue;
      await visit(batch);
      batch = [];
    }
    await visit(batch);
  });
}
