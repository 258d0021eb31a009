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
  const fields = read
    .group('fields')
    .distinctNames(
      DEFAULT_USER_FIELDS,
      FIELD_NAME,
      'give the name of a field at the top of the document: no dots, no $, not _id',
    );
  return { fields };
}
