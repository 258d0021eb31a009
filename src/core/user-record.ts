import type { UserRecord } from './ports.js';

/** What is wrong with a record that a user store returned, and what to do; null where it can be used. */
export function oddRecord(user: UserRecord): string | null {
  const { id, email, roles, tokenVersion, createdAt, disabledAt } = user as Unchecked<UserRecord>;
  if (!isText(id)) return 'id must be a text that is not empty';
  if (!isText(email)) return 'email must be a text that is not empty';
  if (!isText(tokenVersion)) return 'tokenVersion must be a random text; draw one for each user';
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string'))
    return 'roles must be a list of texts';
  if (!isDate(createdAt)) return 'createdAt must be a valid Date';
  if (disabledAt !== null && disabledAt !== undefined && !isDate(disabledAt))
    return 'disabledAt must be a valid Date, or null';
  return null;
}

type Unchecked<T> = { readonly [Field in keyof T]: unknown };

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
