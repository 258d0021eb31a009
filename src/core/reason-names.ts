import { MAX_REASONS, OTHER_REASONS } from './report-figures.js';

const MAX_LENGTH = 64;

/**
 * The reasons under which a process counts: those of closed lists, and the names of a host's own anomaly rules, which may be
 * anything and as many as he makes up. The first so many of each type keep their names.
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

/** A reason as the name of a field, in which dots, dollars and NUL mean something to the database; no two are the same. */
export function reasonToField(reason: string): string {
  const field = encodeURIComponent(reason.toWellFormed())
    .replaceAll('.', '%2E')
    // `__proto__` is no field of everybody's.
    .replace(/^_/, '%5F');
  return field === '' ? EMPTY : field;
}

/** What {@link reasonToField} was given. */
export function fieldToReason(field: string): string {
  if (field === EMPTY) return '';
  try {
    return decodeURIComponent(field);
  } catch {
    return field;
  }
}

/** A name of no characters is no field; an encoded one never ends in a percent sign. */
const EMPTY = '%';
