/** The parameters of a form (`application/x-www-form-urlencoded`), each given once. */
export type Form = ReadonlyMap<string, string>;

/**
 * Reads a form as OAuth wants it: a parameter without a value counts as left out. Null where one is repeated (RFC 6749
 * §3.2): which of them counts would be anybody's guess.
 */
export function parseForm(text: string): Form | null {
  return toForm([...new URLSearchParams(text)]);
}

/** The same of what a host's own parser made of a form; null also where a value is no text. */
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
