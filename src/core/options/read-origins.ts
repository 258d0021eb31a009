import type { OptionReader } from './option-reader.js';

export function readOrigins(read: OptionReader, given: unknown): Set<string> {
  const origins = read.texts('trustedOrigins', given);
  for (const origin of origins)
    if (!isOrigin(origin))
      read.refuse(
        'trustedOrigins',
        origin,
        "give scheme and host only, such as 'https://app.example.com', no path, no slash, no *",
      );
  return new Set(origins);
}

/** As browsers and app shells (`capacitor://localhost`) write it; URL knows the origin of web schemes only. */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#*@]+$/.test(text) || !URL.canParse(text)) return false;
  return !/^https?:/.test(text) || new URL(text).origin === text;
}
