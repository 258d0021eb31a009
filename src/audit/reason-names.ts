/** Reasons of one type that are told apart. The rest count together, as {@link OTHER_REASONS}. */
export const MAX_REASONS = 50;
export const OTHER_REASONS = 'other';
const MAX_LENGTH = 64;

/**
 * The reasons under which a process counts. A host's own anomaly rules can have any name and number, so only the first
 * {@link MAX_REASONS} of each type keep their names.
 */
export class ReasonNames {
  private readonly known = new Map<string, Set<string>>();

  /** The name under which a reason counts. */
  of(type: string, reason: string): string {
    const names = this.known.get(type) ?? new Set<string>();
    this.known.set(type, names);
    const name = [...reason.slice(0, 2 * MAX_LENGTH).toWellFormed()].slice(0, MAX_LENGTH).join('');
    if (names.has(name)) return name;
    if (names.size >= MAX_REASONS) return OTHER_REASONS;
    names.add(name);
    return name;
  }
}

/** A reason as the name of a field, without the dots, dollars and NULs that mean something to the database; reversible. */
export function reasonToField(reason: string): string {
  const field = encodeURIComponent(reason.toWellFormed())
    .replaceAll('.', '%2E')
    // `__proto__` is no ordinary field.
    .replace(/^_/, '%5F');
  return field === '' ? EMPTY : field;
}

/** The inverse of {@link reasonToField}. */
export function fieldToReason(field: string): string {
  if (field === EMPTY) return '';
  try {
    return decodeURIComponent(field);
  } catch {
    return field;
  }
}

/** For the empty reason, because a field needs a name; no encoded name ends in a percent sign. */
const EMPTY = '%';
