import type { UserRecord } from './ports.js';
import { areTexts, isDate, isDateOrMissing, isFilledText } from './value-kinds.js';

/** What is wrong with a record that a user store returned, and how to fix it; null if it is valid. */
export function oddRecord(user: UserRecord): string | null {
  const { id, email, roles, tokenVersion, createdAt, disabledAt } = user as Unchecked<UserRecord>;
  if (!isFilledText(id)) return 'id must be a text that is not empty';
  if (!isFilledText(email)) return 'email must be a text that is not empty';
  if (!isFilledText(tokenVersion)) return 'tokenVersion must be a random text; draw one for each user';
  if (!areTexts(roles)) return 'roles must be a list of texts';
  if (!isDate(createdAt)) return 'createdAt must be a valid Date';
  if (!isDateOrMissing(disabledAt)) return 'disabledAt must be a valid Date, or null';
  return null;
}

type Unchecked<T> = { readonly [Field in keyof T]: unknown };
