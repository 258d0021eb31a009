/** How to reach a mail server. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps:`); otherwise STARTTLS if the server offers it. */
  readonly isSecure: boolean;
  /** Null: the server requires no login. */
  readonly login: { readonly user: string; readonly password: string } | null;
}

/** The sender of the mail. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

const DEFAULT_PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

const ADDRESS = /^[^\s@<>,;:"()[\]\\\u0000-\u001f\u007f]+@[^\s@<>,;:"()[\]\\\u0000-\u001f\u007f]+$/;

/** Whether a text is one e-mail address and nothing else, so that a header or an envelope can carry it unchanged. */
export function isPlainAddress(text: string): boolean {
  return ADDRESS.test(text) && text.length <= 254;
}

/** Parses `smtp://user:password@mail.example.com:587`; null if it is not such a URL. */
export function parseSmtpUrl(text: string): SmtpServer | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (protocol !== 'smtp:' && protocol !== 'smtps:') return null;
  if (hostname === '' || search !== '' || hash !== '' || !['', '/'].includes(pathname)) return null;
  if ((username === '') !== (password === '')) return null;
  try {
    const [user, secret] = [username, password].map(decodeURIComponent) as [string, string];
    return {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? DEFAULT_PORTS[protocol] : Number(port),
      isSecure: protocol === 'smtps:',
      login: user === '' ? null : { user, password: secret },
    };
  } catch {
    return null;
  }
}

/** The URL without its password, for an error message. */
export function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return '…';
  const url = new URL(text);
  // Text in an unexpected place may be a password.
  return url.hostname === '' ? '…' : `${url.protocol}//${url.username ? '…@' : ''}${url.host}`;
}

/** Parses `no-reply@example.com` or `Example <no-reply@example.com>`; null if it is neither. */
export function parseSender(text: string): Sender | null {
  const { name = '', address = text } = /^(?<name>[^<>]*)<(?<address>[^<>]*)>$/.exec(text)?.groups ?? {};
  if (!isPlainAddress(address.trim()) || /\p{Cc}/u.test(name)) return null;
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address: address.trim() };
}
