import type { Answer } from './http.js';

/** The header `Cookie` after an answer: its cookies take the place of those with the same name. */
export function cookiesAfter({ headers }: Answer, before = ''): string {
  const jar = new Map(before === '' ? [] : before.split('; ').map(nameAndValue));
  for (const cookie of [headers['set-cookie'] ?? []].flat()) {
    const [name, value] = nameAndValue(cookie.split(';', 1)[0] ?? '');
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}

function nameAndValue(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}
