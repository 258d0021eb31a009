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

/** The options that say where users are, and how their passwords are hashed: the whole `AuthOptions` will do. */
export type UserMigrationOptions = Pick<AuthOptions, 'collections' | 'users' | 'password'>;

export interface UserMigrationSettings {
  /**
   * Only reports, and changes nothing.
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * For users who have no field of roles.
   * @default []
   */
  readonly roles?: readonly string[];
}

/** What was found, and done. It holds ids, no addresses. */
export interface UserMigrationReport extends Readonly<UserCensus> {
  /** Documents that were completed, or whose address was put into its form; with `dryRun` those that would be. */
  readonly fixed: number;
  /** Users whose address, in its form, another user has as well: decide which of them keeps it. */
  readonly duplicateEmails: readonly string[];
  /** The first hundred documents that only you can fix. */
  readonly problems: readonly { readonly id: string; readonly problem: string }[];
}

const MAX_PROBLEMS = 100;
const BATCH = 100;

/**
 * Makes the documents of an existing users collection what the library expects: addresses in lower case, a token version,
 * roles, a time of creation. It changes only what nobody else has changed meanwhile, so the service may run beside it, and
 * it may be run again. Addresses of all users are held in memory, about 100 bytes each.
 *
 * It removes nothing, and leaves alone what it cannot decide: two users of one address, hashes of unknown kind, fields of
 * another type.
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
  const tell = (id: string, problem: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push({ id, problem });
  };
  const visit = async (document: UserDocument): Promise<void> => {
    const id = String(document._id);
    const oddities = odditiesOf(fields, document, knowsHash);
    count(census, oddities);
    for (const problem of oddities.problems) tell(id, problem);
    if (!oddities.isHashKnown) tell(id, `${fields.passwordHash} is a hash of unknown kind`);
    const address = oddities.email ?? document[fields.email];
    const isTaken = typeof address === 'string' && (owners.get(address) ?? 0) > 1;
    if (isTaken) duplicateEmails.push(id);
    const change = changeOf(fields, document, isTaken ? { ...oddities, email: null } : oddities, roles);
    if (!change || oddities.problems.length > 0) return;
    const outcome = dryRun ? 'changed' : await apply(users, change);
    if (outcome === 'changed') fixed += 1;
    // Somebody registered with it a moment ago.
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
  // Of the whole `AuthOptions` only these are read here. A misspelt name would lead to another collection.
  const { collections: names, users, password } = options;
  read.problems.unshift(...unknownKeys({ collections: names, users, password }, read.names));
  read.done();
  // A hasher of the host knows its own hashes.
  return { collection: collections.users, fields, knowsHash: hasher ? () => true : knownHashes(verifiers) };
}

/** How many users have an address, in its form. */
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
  // Only what nobody has changed meanwhile.
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
