/** The parameters of a form (`application/x-www-form-urlencoded`), each given once. */
export type Form = ReadonlyMap<string, string>;

/**
 * Reads a form by the rules of OAuth: a parameter without a value counts as absent. Null if a parameter is repeated
 * (RFC 6749 §3.2), because servers disagree on which one counts.
 */
export function parseForm(text: string): Form | null {
  return toForm([...new URLSearchParams(text)]);
}

/** The same for a form that the host's own parser has read; null also if a value is not a text. */
export function formOf(parsed: object): Form | null {
  return toForm(Object.entries(parsed));
}

function toForm(entries: readonly (readonly [string, unknown])[]): Form | null {
  const form = new Map<string, string>();
  for (const [name, value] of entries) {
    if (typeof value !== 'string' || form.has(name)) return null;
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}
