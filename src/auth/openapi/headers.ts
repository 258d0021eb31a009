import type { Header } from './open-api.types.js';

export function noStore(): Header {
  return {
    description: 'Answers of these routes are never stored.',
    required: true,
    schema: { type: 'string', const: 'no-store' },
  };
}

export function noSniff(): Header {
  return {
    description: 'What users typed is in the answer, which is nothing but what its type says.',
    required: true,
    schema: { type: 'string', const: 'nosniff' },
  };
}

export function contentDisposition(): Header {
  return {
    description: 'CSV: a file.',
    required: false,
    schema: {
      type: 'string',
      pattern: '^attachment; filename="security-report-[\\d-]+\\.csv"$',
    },
  };
}

export function contentSecurityPolicy(): Header {
  return {
    description: 'HTML: its own script and style, by their hashes, and nothing else.',
    required: false,
    schema: { type: 'string', minLength: 1 },
  };
}

export function wwwAuthenticate(): Header {
  return {
    description: 'RFC 6750: `error="invalid_token"` where a token was sent.',
    required: true,
    schema: { type: 'string', enum: ['Bearer', 'Bearer error="invalid_token"'] },
  };
}

export function retryAfter(): Header {
  return {
    description: 'Seconds until another try makes sense.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  };
}

/** What a line of `Set-Cookie` looks like, by what it does. */
export const tokenCookie = (name: string): string =>
  `${name}=[\\w-]+\\.[\\w-]+\\.[\\w-]+; Max-Age=[1-9]\\d*; `;
export const deviceCookie = (name: string): string => `${name}=[\\w-]+(?:\\.[\\w-]+)+; Max-Age=[1-9]\\d*; `;
export const clearedCookie = (name: string): string => `${name}=; Max-Age=0; `;

/** Each line of `Set-Cookie` is one of these. */
export function setCookie(lines: readonly string[], description: string, { required = false } = {}): Header {
  const pattern = `^(?:${lines.join('|')}).*\\bHttpOnly\\b`;
  return { description, required, schema: { type: 'string', pattern } };
}
