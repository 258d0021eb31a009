/** Type checks for stored values and for values that a host passes. */

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

/** A valid date. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

export function isDateOrMissing(value: unknown): value is Date | null | undefined {
  return isMissing(value) || isDate(value);
}
