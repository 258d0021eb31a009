import { normalizeEmail } from '../core/email.js';
import type { PasswordVerifier } from '../core/ports.js';
import type { UserFields } from '../options/users.options.js';
import { problemsOnceCompleted, type UserDocument } from './user-document.js';

/** bcrypt with any of its prefixes, also with the library's mark for pre-hashed passwords. */
const BCRYPT = /^(?:sha384:)?\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}$/;

/** What is odd about the documents of a users collection; each number counts documents. */
export interface UserCensus {
  /** All documents that were read. */
  users: number;
  /** The stored address is not normalised, so its user cannot log in. */
  mixedCaseEmails: number;
  /** No token version, roles or creation time; they are added at the user's next login. */
  incomplete: number;
  /** A hash that neither bcrypt nor a verifier of `password.verifiers` recognises. */
  unknownHashes: number;
  withoutPassword: number;
  /** Documents whose fields have another type than the library expects. Such a user cannot log in. */
  unreadable: number;
}

export const EMPTY_CENSUS: Readonly<UserCensus> = {
  users: 0,
  mixedCaseEmails: 0,
  incomplete: 0,
  unknownHashes: 0,
  withoutPassword: 0,
  unreadable: 0,
};

/** What the library would change in a document, or cannot read. */
export interface UserOddities {
  /** The normalised address; null if it is already stored in that form. */
  readonly email: string | null;
  readonly missing: readonly ('tokenVersion' | 'roles' | 'createdAt')[];
  readonly hasPassword: boolean;
  readonly isHashKnown: boolean;
  /** In words; empty if the document is readable once it is completed. */
  readonly problems: readonly string[];
}

/** Whether a hash can be verified. */
export type KnowsHash = (hash: string) => boolean;

export function knownHashes(verifiers: readonly PasswordVerifier[]): KnowsHash {
  return (hash) => BCRYPT.test(hash) || verifiers.some((verifier) => verifier.matches(hash));
}

export function odditiesOf(fields: UserFields, document: UserDocument, knowsHash: KnowsHash): UserOddities {
  const value = (name: keyof UserFields): unknown => document[fields[name]] ?? null;
  const [email, hash] = [value('email'), value('passwordHash')];
  const normalized = typeof email === 'string' ? normalizeEmail(email) : null;
  const missing = (['tokenVersion', 'roles', 'createdAt'] as const).filter((name) => value(name) === null);
  return {
    email: normalized === email ? null : normalized,
    missing,
    hasPassword: hash !== null,
    isHashKnown: typeof hash !== 'string' || knowsHash(hash),
    problems: problemsOnceCompleted(fields, document),
  };
}

/** Counts one more document. */
export function count(
  census: UserCensus,
  { email, missing, hasPassword, isHashKnown, problems }: UserOddities,
): void {
  census.users += 1;
  if (email !== null) census.mixedCaseEmails += 1;
  if (missing.length > 0) census.incomplete += 1;
  if (!hasPassword) census.withoutPassword += 1;
  if (!isHashKnown) census.unknownHashes += 1;
  if (problems.length > 0) census.unreadable += 1;
}
