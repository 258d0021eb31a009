import { domainToASCII } from 'node:url';
import { AuthError } from './errors.js';

/** Invisible characters, such as joiners, soft hyphens, direction marks and variation selectors: they make look-alikes. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;
/** Excludes every character with a meaning in URLs: the URL parser must only ever see a host name. */
const INTERNATIONAL_DOMAIN = /^(?=[^]*[^\0-\x7f])[\p{L}\p{M}\p{N}.\u3002-]+$/u;

/** RFC 5321 §4.5.3.1, in octets. */
const MAX_ADDRESS = 254;
const MAX_LOCAL_PART = 64;
const MAX_DOMAIN = 253;

/** A dot-atom (RFC 5322 §3.2.3), also in other scripts (RFC 6531 §3.3). Quoted local parts are refused: hardly any server accepts them. */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+)*$/u;
/** A host name; one label is enough, as in intranets. The last label must not be a number, which rules out IP addresses. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The form in which an address is stored and compared: trimmed, NFKC, lower case, an internationalised domain as in the DNS
 * (`xn--…`, RFC 5890). Texts that are not addresses are normalised too. NFKC runs again at the end, because a small letter
 * may have a composed form that the capital lacks: `H` and U+0331 become U+1E96.
 */
export function normalizeEmail(email: string): string {
  const text = email.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  // domainToASCII returns '' for a domain that cannot exist.
  const ascii =
    at > 0 && INTERNATIONAL_DOMAIN.test(domain) && !INVISIBLE.test(domain) ? domainToASCII(domain) : '';
  return ascii === '' ? text : text.slice(0, at + 1) + ascii;
}

/**
 * The normalised form of an address that is to be stored.
 * @throws AuthError `VALIDATION_FAILED` if no mail can be sent to it
 */
export function acceptEmail(email: string): string {
  const normalized = normalizeEmail(email);
  if (isEmailAddress(normalized)) return normalized;
  throw new AuthError('VALIDATION_FAILED', {
    fields: [{ field: 'email', message: 'email must be an e-mail address' }],
  });
}

/** Whether a normalised text is an address that mail can be sent to. */
export function isEmailAddress(text: string): boolean {
  const [local = '', domain = '', ...others] = text.split('@');
  return (
    others.length === 0 &&
    Buffer.byteLength(text) <= MAX_ADDRESS &&
    Buffer.byteLength(local) <= MAX_LOCAL_PART &&
    domain.length <= MAX_DOMAIN &&
    !INVISIBLE.test(local) &&
    LOCAL_PART.test(local) &&
    DOMAIN.test(domain) &&
    // Refuses `xn--` labels that decode to nothing or have another canonical spelling: no mailbox has them.
    domainToASCII(domain) === domain
  );
}
