import type { DatabaseFacts, DoctorFacts } from './facts.js';
import type { FindingCode, Observation } from './finding.js';

/** Documents of other software in the library's collections. */
export function foreignDocuments(facts: DoctorFacts): Observation[] {
  return (known(facts)?.foreignDocuments ?? []).map(({ collection, found, lookedAt }) => ({
    code: 'database.foreign-documents',
    subject: collection,
    message: `${found} of its oldest ${lookedAt} documents do not belong to this library: they never expire, and their owner may not expect documents of this library there`,
    fix: 'use another name for the collection (collections), or another connection for this library (connectionName)',
  }));
}

/** Indexes that the library did not declare. On users, a host may have its own indexes if they are not unique. */
export function foreignIndexes(facts: DoctorFacts): Observation[] {
  const { users } = facts.options.collections;
  return (known(facts)?.foreignIndexes ?? [])
    .filter(({ collection, isUnique, isPartial }) => collection !== users || (isUnique && !isPartial))
    .map(({ collection, name, index, isUnique }) => ({
      code: isUnique ? 'database.foreign-unique-index' : 'database.foreign-index',
      subject: `${collection} ${index}`,
      message: isUnique
        ? 'a unique index that this library did not create: a write is refused if two documents have the same value, and a missing value counts too'
        : 'an index that this library did not create, perhaps from a global Mongoose plugin: it costs time for each write, and no query of the library uses it',
      fix: `if it is not needed, in mongosh: db.getCollection(${JSON.stringify(collection)}).dropIndex(${JSON.stringify(name)})${
        collection === users ? '; otherwise fill its fields at registration (registration.fields)' : ''
      }`,
    }));
}

/** Users that the library cannot read or cannot log in. */
export function oddUsers(facts: DoctorFacts): Observation[] {
  const census = known(facts)?.users;
  if (!census) return [];
  const observe = (count: number, code: FindingCode, message: string, fix: string): Observation[] =>
    count === 0
      ? []
      : [
          {
            code,
            subject: facts.options.collections.users,
            message: `${count} of the oldest ${census.users} ${message}`,
            fix,
          },
        ];
  return [
    ...observe(
      census.unreadable,
      'users.unreadable',
      'users have fields with types that this library cannot read, and cannot log in',
      'run migrateUsers to list them; then map the fields with users.fields, or correct them',
    ),
    ...observe(
      census.mixedCaseEmails,
      'users.email-case',
      'users have an address that is not in lower case, are not found by it, and cannot log in',
      'run migrateUsers, with dryRun first',
    ),
    ...observe(
      census.unknownHashes,
      'users.unknown-hash',
      'users have a password hash of an unknown kind, and cannot log in with it',
      'add a verifier for it to password.verifiers',
    ),
    ...observe(
      census.incomplete,
      'users.incomplete',
      'users lack fields of this library; each is completed at the next login',
      'run migrateUsers to complete them now, and to give them roles',
    ),
  ];
}

function known({ database }: DoctorFacts): DatabaseFacts | null {
  return database !== null && 'indexes' in database ? database : null;
}
