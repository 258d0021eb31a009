/** Reads the payload of a verified JWT field by field: a wrong type anywhere makes the token invalid, never a crash. */
export class ClaimReader {
  private readonly claims: Record<string, unknown>;
  private sound = true;

  constructor(payload: unknown) {
    this.claims = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
  }

  text(name: string): string {
    const value = this.own(name);
    if (typeof value === 'string' && value !== '') return value;
    return this.refuse('');
  }

  /** A NumericDate in whole seconds, or a counter. */
  integer(name: string): number {
    const value = this.own(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.refuse(0);
  }

  texts(name: string): string[] {
    const value = this.own(name);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.refuse([]);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.own(name);
    return allowed.find((candidate) => candidate === value) ?? this.refuse(allowed[0] as T);
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    return pattern.test(value) ? value : this.refuse('');
  }

  /** The claims, unless one of the reads failed. */
  result<T>(claims: T): T | null {
    return this.sound ? claims : null;
  }

  private own(name: string): unknown {
    return Object.hasOwn(this.claims, name) ? this.claims[name] : undefined;
  }

  private refuse<T>(fallback: T): T {
    this.sound = false;
    return fallback;
  }
}

/** A session id: a MongoDB ObjectId in hex. */
export const SESSION_ID = /^[0-9a-f]{24}$/;
