const USER_ID = /^[0-9a-f]{24}$/;

/** The id of a user of this service, as it was typed or marked; null where it is none. */
export function userIdOf(text: string): string | null {
  const id = text.trim().toLowerCase();
  return USER_ID.test(id) ? id : null;
}

/** Roles, separated by spaces or commas. */
export function rolesOf(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}
