import type { OptionReader } from './option-reader.js';

/** The names of the library's fields in the documents of the users collection. */
export interface UserFieldOptions {
  /**
   * The address: a string, trimmed and in lower case. It gets a unique index.
   * @default 'email'
   */
  email?: string;
  /**
   * String; optional.
   * @default 'name'
   */
  name?: string;
  /**
   * List of strings; absent: no roles.
   * @default 'roles'
   */
  roles?: string;
  /**
   * String; absent or null: the user has no password.
   * @default 'passwordHash'
   */
  passwordHash?: string;
  /**
   * Random string; generated if it is absent.
   * @default 'tokenVersion'
   */
  tokenVersion?: string;
  /**
   * Random string that changes with the roles; optional.
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
   * Other names for fields of the users collection, such as `{ passwordHash: 'password' }` for an existing collection. Not for
   * your own `userStore`.
   */
  fields?: UserFieldOptions;
}

/** For each field that the library reads, its name in the document. */
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

/** A top-level field of the document. */
const FIELD_NAME = /^(?!_id$|__proto__$)[^.$\0]{1,100}$/;

export function readUsers(read: OptionReader<UserOptions>): { readonly fields: UserFields } {
  const fields = read
    .group('fields')
    .distinctNames(
      DEFAULT_USER_FIELDS,
      FIELD_NAME,
      'give the name of a field at the top of the document: no dots, no $, not _id',
    );
  return { fields };
}
