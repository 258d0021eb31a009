import type { UserRecord } from '../core/ports.js';
import {
  areTexts,
  isDate,
  isDateOrMissing,
  isFilledText,
  isMissing,
  isTextOrMissing,
} from '../core/value-kinds.js';
import { isObjectId } from '../database/damaged-rows.js';
import { DEFAULT_USER_FIELDS, type UserFields } from '../options/users.options.js';

/** A document of the users collection, unchecked: other programs may have written it. */
export type UserDocument = Readonly<Record<string, unknown>> & { readonly _id: unknown };

const NAMES = Object.keys(DEFAULT_USER_FIELDS) as (keyof UserFields)[];

/** The library's fields of a user, under the names of the document. */
export function toDocument(
  fields: UserFields,
  values: Partial<Record<keyof UserFields, unknown>>,
): Record<string, unknown> {
  const given = NAMES.filter((name) => values[name] !== undefined);
  return Object.fromEntries(given.map((name) => [fields[name], values[name]]));
}

/** Null if the document is not a user; {@link problemsOf} says why. Fields with a default may be missing, as after an import. */
export function readUser(fields: UserFields, document: UserDocument): UserRecord | null {
  const { _id } = document;
  if (!isObjectId(_id) || problemsOf(fields, document).length > 0) return null;
  const value = (name: keyof UserFields): unknown => document[fields[name]];
  const createdAt = value('createdAt');
  return {
    id: _id.toHexString(),
    email: value('email') as string,
    name: (value('name') ?? undefined) as string | undefined,
    roles: (value('roles') ?? []) as string[],
    passwordHash: (value('passwordHash') ?? null) as string | null,
    tokenVersion: value('tokenVersion') as string,
    rolesVersion: (value('rolesVersion') ?? null) as string | null,
    disabledAt: (value('disabledAt') ?? null) as Date | null,
    emailVerifiedAt: (value('emailVerifiedAt') ?? null) as Date | null,
    createdAt: isDate(createdAt) ? createdAt : _id.getTimestamp(),
    ...othersOf(fields, document),
  };
}

/** What each field must be, as a check and in words. */
const KINDS: readonly (readonly [keyof UserFields, (value: unknown) => boolean, string])[] = [
  ['email', isFilledText, 'a text'],
  ['name', isTextOrMissing, 'a text'],
  ['roles', (value) => isMissing(value) || areTexts(value), 'a list of texts'],
  ['passwordHash', isTextOrMissing, 'a text'],
  ['tokenVersion', isFilledText, 'a text'],
  ['rolesVersion', isTextOrMissing, 'a text'],
  ['disabledAt', isDateOrMissing, 'a date'],
  ['emailVerifiedAt', isDateOrMissing, 'a date'],
];

/** Why a document is not a user, in words; empty if it is one. Contains no value of the document. */
export function problemsOf(fields: UserFields, document: UserDocument): string[] {
  const wrong = KINDS.filter(([name, isSound]) => !isSound(document[fields[name]]));
  const problems = wrong.map(([name, , kind]) => `${fields[name]} is not ${kind}`);
  return isObjectId(document._id) ? problems : ['_id is not an ObjectId', ...problems];
}

/** The same after the document gets a token version, which is generated if it is missing. */
export function problemsOnceCompleted(fields: UserFields, document: UserDocument): string[] {
  const { tokenVersion } = fields;
  return problemsOf(fields, { ...document, [tokenVersion]: document[tokenVersion] ?? 'drawn' });
}

/** The other fields of the document. */
function othersOf(fields: UserFields, document: UserDocument): Pick<UserRecord, 'fields'> {
  const isOwn = (name: string) => name === '_id' || NAMES.some((own) => fields[own] === name);
  const others = Object.keys(document).filter((name) => !isOwn(name));
  if (others.length === 0) return {};
  return { fields: Object.fromEntries(others.map((name) => [name, document[name]])) };
}
