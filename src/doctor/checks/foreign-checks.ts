import type { DatabaseFacts, DoctorFacts } from './facts.js';
import type { FindingCode, Observation } from './finding.js';

/** Documents of somebody else where the library keeps its own. */
export function foreignDocuments(facts: DoctorFacts): Observation[] {
  return (known(facts)?.foreignDocuments ?? []).map(({ collection, found, lookedAt }) => ({
    code: 'database.foreign-documents',
    subject: collection,
    message: `${found} of its oldest ${lookedAt} documents are not of this library: they never expire, and their owner may not expect ours among them`,
    mend: 'give the collection another name (collections), or this library another connection (connectionName)',
  }));
}

/** Indexes that the library did not declare. On users, those that are not unique are the host's own business. */
export function foreignIndexes(facts: DoctorFacts): Observation[] {
  const { users } = facts.options.collections;
  return (known(facts)?.foreignIndexes ?? [])
    .filter(({ collection, isUnique, isPartial }) => collection !== users || (isUnique && !isPartial))
    .map(({ collection, name, index, isUnique }) => ({
      code: isUnique ? 'database.foreign-unique-index' : 'database.foreign-index',
      subject: `${collection} ${index}`,
      message: isUnique
        ? 'a unique index that is not of this library: a write is refused where two documents have the same value, and none counts as one'
        : 'an index that is not of this library, perhaps of a global Mongoose plugin: each write pays for it, and nothing reads it',
      mend: `if nobody needs it, in mongosh: db.getCollection(${JSON.stringify(collection)}).dropIndex(${JSON.stringify(name)})${
        collection === users ? '; otherwise fill its fields at registration (registration.fields)' : ''
      }`,
    }));
}

/** Users whom the library cannot read, or cannot log in. */
export function oddUsers(facts: DoctorFacts): Observation[] {
  const census = known(facts)?.users;
  if (!census) return [];
  const observe = (count: number, code: FindingCode, message: string, mend: string): Observation[] =>
    count === 0
      ? []
      : [
          {
            code,
            subject: facts.options.collections.users,
            message: `${count} of the oldest ${census.users} ${message}`,
            mend,
          },
        ];
  return [
    ...observe(
      census.unreadable,
      'users.unreadable',
      'users have fields of another type than this library reads, and cannot log in',
      'migrateUsers names them; give the fields other names by users.fields, or correct them',
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
      'users have a password hash of unknown kind, and cannot log in with it',
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
