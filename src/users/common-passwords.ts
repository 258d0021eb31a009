import { dictionary } from '@zxcvbn-ts/language-common';

/** The most used passwords of leaked lists, tens of thousands, lower case (OWASP ASVS 6.2.4 asks for 3,000). */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common'] as readonly string[]);

export function isCommonPassword(password: string): boolean {
  return COMMON.has(password.toLowerCase());
}
