/** Maximum different reasons per type. All others are counted together as {@link OTHER_REASONS}. */
export const MAX_REASONS = 50;
export const OTHER_REASONS = 'other';
const MAX_LENGTH = 64;

/**
 * The names under which a process counts reasons. A host can have any number of anomaly rules with any names, so only the
 * first {@link MAX_REASONS} of each type keep their names.
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

/** Encodes a reason as a field name, without the dots, dollars and NULs that are special in MongoDB; reversible. */
export function reasonToField(reason: string): string {
  const field = encodeURIComponent(reason.toWellFormed())
    .replaceAll('.', '%2E')
    // `__proto__` is not an ordinary field.
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

/** Field name of the empty reason. No encoded name ends in a percent sign, so it is unique. */
const EMPTY = '%';
