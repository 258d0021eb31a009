import type { OptionReader } from './option-reader.js';

/** How the documents of the users collection call what the library keeps there. */
export interface UserFieldOptions {
  /**
   * The address: text, trimmed and in lower case. It gets a unique index.
   * @default 'email'
   */
  email?: string;
  /**
   * Text; may be absent.
   * @default 'name'
   */
  name?: string;
  /**
   * List of texts; absent: none.
   * @default 'roles'
   */
  roles?: string;
  /**
   * Absent or null: a user without a password.
   * @default 'passwordHash'
   */
  passwordHash?: string;
  /**
   * Random text; drawn where it is absent.
   * @default 'tokenVersion'
   */
  tokenVersion?: string;
  /**
   * Random text that changes with the roles; may be absent.
   * @default 'rolesVersion'
   */
  rolesVersion?: string;
  /**
   * Date; absent or null: the user is not disabled.
   * @default 'disabledAt'
   */
  disabledAt?: string;
  /**
   * Date; absent or null: not verified.
   * @default 'emailVerifiedAt'
   */
  emailVerifiedAt?: string;
  /**
   * Date; absent: the time of the document's id.
   * @default 'createdAt'
   */
  createdAt?: string;
}

export interface UserOptions {
  /**
   * Other names for fields of the users collection, such as `{ passwordHash: 'password' }` for a collection that was there
   * before. Not for a `userStore` of your own.
   */
  fields?: UserFieldOptions;
}

/** The field of the document for each that the library reads. */
export type UserFields = Readonly<Required<UserFieldOptions>>;

export const DEFAULT_USER_FIELDS: UserFields = {
  email: 'email',
  name: 'name',
  roles: 'roles',
  passwordHash: 'passwordHash',
  tokenVersion: 'tokenVersion',
  rolesVersion: 'rolesVersion',
  disabledAt: 'disabledAt',
  emailVerifiedAt: 'emailVerifiedAt',
  createdAt: 'createdAt',
};

/** One field at the top of the document. */
const FIELD_NAME = /^(?!_id$|__proto__$)[^.$\0]{1,100}$/;

export function readUsers(read: OptionReader<UserOptions>): { readonly fields: UserFields } {
  return { fields: readFields(read.group('fields')) };
}

function readFields(read: OptionReader<UserFieldOptions>): UserFields {
  const keys = Object.keys(DEFAULT_USER_FIELDS) as (keyof UserFields)[];
  const fields = Object.fromEntries(
    keys.map((key) => [
      key,
      read.text(
        key,
        DEFAULT_USER_FIELDS[key],
        FIELD_NAME,
        'give the name of a field at the top of the document: no dots, no $, not _id',
      ),
    ]),
  ) as unknown as UserFields;
  for (const [index, key] of keys.entries()) {
    const other = keys.slice(0, index).find((earlier) => fields[earlier] === fields[key]);
    if (other) read.refuse(key, `is the field of ${other}: give each a field of its own`, `'${fields[key]}'`);
  }
  return fields;
}
