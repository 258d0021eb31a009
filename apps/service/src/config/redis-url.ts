export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

interface RedisAccess {
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  readonly isEncrypted: boolean;
  /** For the servers with the data; Sentinels are asked without. */
  readonly username?: string;
  readonly password?: string;
}

export type RedisSettings =
  | (RedisAccess & { readonly kind: 'server'; readonly url: string })
  | (RedisAccess & { readonly kind: 'cluster' })
  | (RedisAccess & { readonly kind: 'sentinel'; readonly primaryName: string });

const SHAPE = /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/;

/** `redis://host`, `redis+cluster://host,host` or `redis+sentinel://host,host/name`; `rediss` for TLS. Null: none of them. */
export function parseRedisUrl(text: string): RedisSettings | null {
  const [matched, tls, kind, credentials, list = '', path = ''] = SHAPE.exec(text) ?? [];
  const [first, ...others] = list
    .split(',')
    .map((each) => parseHost(each, kind === 'sentinel' ? 26379 : 6379));
  if (matched === undefined || !first || !others.every((host) => host !== null)) return null;
  const access = {
    hosts: [first, ...others] as const,
    isEncrypted: tls === 's',
    ...parseCredentials(credentials),
  };
  if (kind === 'cluster') return path === '' ? { ...access, kind } : null;
  if (kind === 'sentinel') return path === '' ? null : { ...access, kind, primaryName: path };
  // The client reads it itself, database number included.
  return others.length === 0 ? { ...access, kind: 'server', url: text } : null;
}

function parseHost(text: string, defaultPort: number): RedisHost | null {
  const url = `redis://${text}`;
  if (!URL.canParse(url)) return null;
  const { hostname, port } = new URL(url);
  if (hostname === '') return null;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
}

function parseCredentials(text = ''): { username?: string; password?: string } {
  const [username = '', ...password] = text.split(':').map(decoded);
  return {
    ...(username === '' ? {} : { username }),
    ...(password.length === 0 ? {} : { password: password.join(':') }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
