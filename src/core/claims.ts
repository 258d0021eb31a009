import { isFilledText } from './value-kinds.js';
/** Reads the payload of a verified JWT field by field. A field of the wrong type makes the token invalid and never throws. */
export class ClaimReader {
  private readonly claims: Record<string, unknown>;
  /** The first invalid claim; null while all are valid. */
  refused: string | null = null;

  constructor(payload: unknown) {
    this.claims = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
  }

  text(name: string): string {
    const value = this.own(name);
    if (typeof value === 'string' && value !== '') return value;
    return this.refuse(name, '');
  }

  /** A text, or absent. */
  optionalText<Name extends string>(name: Name): { readonly [Key in Name]?: string } {
    if (this.own(name) === undefined) return {};
    return { [name]: this.text(name) } as { readonly [Key in Name]?: string };
  }

  /** A NumericDate in whole seconds, or a counter. */
  integer(name: string): number {
    const value = this.own(name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.refuse(name, 0);
  }

  texts(name: string): string[] {
    const value = this.own(name);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.refuse(name, []);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.own(name);
    return allowed.find((candidate) => candidate === value) ?? this.refuse(name, allowed[0] as T);
  }

  /** The thumbprint in `cnf` (RFC 9449 §6.1); absent if the token is not bound. */
  confirmation(): { readonly cnf?: KeyConfirmation } {
    const cnf = this.own('cnf');
    if (cnf === undefined) return {};
    const jkt: unknown = typeof cnf === 'object' && cnf !== null ? (cnf as { jkt?: unknown }).jkt : null;
    if (typeof jkt === 'string' && THUMBPRINT.test(jkt)) return { cnf: { jkt } };
    return this.refuse('cnf', {});
  }

  /** Who acts for the subject (RFC 8693 §4.1); absent if the subject acts. */
  actor(): { readonly act?: Actor } {
    const act = this.own('act');
    if (act === undefined) return {};
    const { sub, rol } = Object(act) as { readonly sub?: unknown; readonly rol?: unknown };
    if (!isFilledText(sub) || !(rol === undefined || isFilledText(rol))) return this.refuse('act', {});
    return { act: { sub, ...(rol === undefined ? {} : { rol }) } };
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    return pattern.test(value) ? value : this.refuse(name, '');
  }

  /** Whether the claim is `true`; an absent claim is not. */
  isSet(name: string): boolean {
    const value = this.own(name);
    if (value === undefined || value === true) return value === true;
    return this.refuse(name, false);
  }

  /** Whether the claim is `false`; an absent claim is not. */
  isUnset(name: string): boolean {
    const value = this.own(name);
    if (value === undefined || value === false) return value === false;
    return this.refuse(name, false);
  }

  has(name: string): boolean {
    return this.own(name) !== undefined;
  }

  /** The claims; null if one of the reads failed. */
  result<T>(claims: T): T | null {
    return this.refused === null ? claims : null;
  }

  private own(name: string): unknown {
    return Object.hasOwn(this.claims, name) ? this.claims[name] : undefined;
  }

  private refuse<T>(name: string, fallback: T): T {
    this.refused ??= name;
    return fallback;
  }
}

/** The key that a token is bound to (RFC 7800 §3.1). */
export interface KeyConfirmation {
  /** SHA-256 thumbprint of the key (RFC 7638), base64url. */
  readonly jkt: string;
}

/** Who acts for the subject of a token (RFC 8693 §4.1). */
export interface Actor {
  /** User id. */
  readonly sub: string;
  /** Version of their roles; absent if they never changed. */
  readonly rol?: string;
}

const THUMBPRINT = /^[\w-]{43}$/;

/** A session id: a MongoDB ObjectId in hex. */
export const SESSION_ID = /^[0-9a-f]{24}$/;
