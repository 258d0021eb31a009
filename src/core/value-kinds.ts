/** What stored values, and those that a host hands over, turn out to be. */

export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function isFilledText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function isTextOrMissing(value: unknown): value is string | null | undefined {
  return isMissing(value) || isText(value);
}

export function areTexts(values: unknown): values is readonly string[] {
  return Array.isArray(values) && values.every(isText);
}

/** Not an invalid one. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

export function isDateOrMissing(value: unknown): value is Date | null | undefined {
  return isMissing(value) || isDate(value);
}
