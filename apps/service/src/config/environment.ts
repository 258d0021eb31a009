import type { ConfigurationProblem } from 'nestjs-silent-auth';
import { fileVariable, readSecretFiles } from 'nestjs-silent-auth/cli';

/** One environment variable of the reference service. */
export interface Variable {
  readonly name: string;
  /** The option of the library that it sets, under which the library reports its problems. */
  readonly option?: string;
  /** How the text is converted to a value. */
  readonly kind: Kind;
  /** As docs/reference/variables.md shows it; absent: the default of the option. */
  readonly fallback?: string;
  readonly meaning?: string;
  /** A secret can be given as a file as well: `NAME_FILE` is its path. */
  readonly isSecret?: boolean;
}

type Kind = 'text' | 'lowercase' | 'flag' | 'number' | 'list' | 'credentials';

function own(name: string, fallback: string, meaning: string): Variable {
  return { name, kind: 'text', fallback, meaning };
}

/** @param shown what docs/reference/variables.md says, if it differs from the option */
function option(
  name: string,
  path: string,
  kind: Kind = 'text',
  shown: Pick<Variable, 'fallback' | 'meaning'> = {},
): Variable {
  return { name, option: path, kind, ...shown };
}

function secret(variable: Variable): Variable {
  return { ...variable, isSecret: true };
}

/** Every variable that the service reads; docs/reference/variables.md is written from it. */
// prettier-ignore
export const VARIABLES: readonly Variable[] = [
  own('PORT', '3000', 'Port to listen on. `0`, any free port, needs `ISSUER`.'),
  own('HOST', '127.0.0.1; 0.0.0.0 in production', 'Address to bind to.'),
  own('NODE_ENV', 'development', '`production` refuses development defaults.'),
  own('HTTP_ADAPTER', 'fastify', '`fastify` or `express`: the same responses, but Fastify serves five to nine times as many guarded requests per processor second.'),
  secret(own('MONGODB_URI', 'none', 'Connection string of MongoDB. Required in production.')),
  own('DATABASE', 'auto', '`auto` (`MONGODB_URI`, else `embedded`), `uri`, `embedded` or `memory-server` (downloads a mongod).'),
  own('DATA_DIR', '.data', 'Where development keys and the embedded database are kept.'),
  option('ISSUER', 'issuer', 'text', { fallback: 'http://localhost:PORT', meaning: 'Public URL of the service, the `iss` of every token.' }),
  option('AUDIENCE', 'audience', 'text', { fallback: 'ISSUER' }),
  secret(option('JWT_ACCESS_KEYS', 'keys.access', 'text', { fallback: 'development keys in DATA_DIR', meaning: 'Comma-separated secrets of at least 32 bytes, the first signs, or the path of a JWK set, which is read again when it changes; write `file:` before the path, so that a missing file is reported as one. Required in production.' })),
  secret(option('JWT_REFRESH_KEYS', 'keys.refresh', 'text', { fallback: 'development keys in DATA_DIR', meaning: 'The same for refresh tokens; other keys. Required in production.' })),
  option('ACCESS_TOKEN_TTL', 'accessToken.ttl'),
  option('ACCESS_TOKEN_RETIRE_PREVIOUS', 'accessToken.retirePrevious', 'flag'),
  option('ACCESS_TOKEN_SENDER_CONSTRAINT', 'accessToken.senderConstraint', 'lowercase'),
  option('REFRESH_IDLE_TTL', 'refreshToken.idleTtl'),
  option('REFRESH_ABSOLUTE_TTL', 'refreshToken.absoluteTtl'),
  option('REFRESH_SLIDING', 'refreshToken.sliding', 'flag'),
  option('REFRESH_GRACE_PERIOD', 'refreshToken.gracePeriod'),
  option('REFRESH_LOST_RESPONSE_WINDOW', 'refreshToken.lostResponseWindow'),
  option('REFRESH_REUSE', 'refreshToken.reuse'),
  option('REFRESH_REUSE_SCOPE', 'refreshToken.reuseScope'),
  option('REFRESH_SENDER_CONSTRAINT', 'refreshToken.senderConstraint', 'lowercase'),
  option('REFRESH_DEVICE_BOUND', 'refreshToken.deviceBound', 'lowercase'),
  option('REFRESH_ALLOW_RELAY', 'refreshToken.allowRelay', 'flag'),
  option('ALLOW_BODY_TRANSPORT', 'refreshToken.allowBodyTransport', 'flag', { fallback: 'true' }),
  option('MAX_SESSIONS_PER_USER', 'sessions.maxPerUser', 'number'),
  option('REVOCATION_MODE', 'revocation.mode'),
  own('REVOCATION_STORE', 'mongodb', '`mongodb` or `redis`: where instances share revocations.'),
  secret(own('REDIS_URL', 'none', 'Connection string of Redis: `redis://host:6379`, `redis+sentinel://host,host/name` or `redis+cluster://host,host`; `rediss` for TLS. Required by `REVOCATION_STORE=redis`.')),
  option('BCRYPT_COST', 'password.bcryptCost', 'number'),
  option('FINGERPRINT_MODE', 'fingerprint.mode'),
  option('FINGERPRINT_FEATURES', 'fingerprint.features', 'list', { meaning: 'Comma-separated traits of a request that count; also `accept-encoding`, `sec-ch-ua`, `address`.' }),
  option('ANOMALY_ACTION', 'anomaly.action'),
  option('TRUSTED_ORIGINS', 'trustedOrigins', 'list', { meaning: 'Comma-separated origins of front ends elsewhere, or `https://*.example.com`; answered with CORS.' }),
  secret(option('INTROSPECTION_CLIENTS', 'introspectionClients', 'credentials', { meaning: 'Comma-separated `id:secret` of services that may introspect and revoke tokens; secrets of at least 32 characters.' })),
  own('TRUST_PROXY', 'false', '`true`, a number of hops, or addresses of proxies whose `X-Forwarded-*` is believed.'),
  option('COOKIE_NAME', 'refreshToken.cookie.name', 'text', { fallback: '`refresh_token_PORT`; `refresh_token` in production' }),
  option('COOKIE_DOMAIN', 'refreshToken.cookie.domain'),
  option('COOKIE_SECURE', 'refreshToken.cookie.secure', 'flag', { fallback: 'true in production' }),
  option('COOKIE_SAMESITE', 'refreshToken.cookie.sameSite', 'lowercase'),
  option('COOKIE_PARTITIONED', 'refreshToken.cookie.partitioned', 'flag'),
  own('ADMIN_EMAIL', 'admin@example.com in development', 'Administrator created at the first start.'),
  secret(own('ADMIN_PASSWORD', 'random in development, shown once', 'Their password; in production none is created without it.')),
  secret(own('SMTP_URL', 'none', 'Mail server, `smtp://` or `smtps://`; without one no mail is sent, and in development it is shown on the terminal.')),
  own('MAIL_FROM', 'none', 'Sender of mail, such as `Example <no-reply@example.com>`. Required by `SMTP_URL`.'),
  own('APP_URL', 'ISSUER', 'URL of the front end, to which mail links; without one the service’s own pages.'),
  option('EMAIL_VERIFICATION', 'emailVerification', 'text', { meaning: 'Whether a user must open a mailed link before they can log in: `off` or `required`. In production `required` needs `SMTP_URL`.' }),
  own('THROTTLE', 'on', '`on` or `off`; `off` for load tests: no client is slowed down.'),
  own('AUDIT', 'on', '`on` or `off`: whether events are kept in the database.'),
  option('AUDIT_RETENTION', 'audit.retention'),
  option('AUDIT_ROTATIONS', 'audit.rotations', 'flag'),
  secret(own('METRICS_TOKEN', 'none', 'Bearer token of at least 16 characters for `/metrics`; in production there is no `/metrics` without it.')),
  own('DEMO', 'on; off in production', '`on` or `off`: the demo page at `/`, with short access tokens unless `ACCESS_TOKEN_TTL` is set.'),
  own('DOCS', 'on', '`on` or `off`: the OpenAPI document at `/docs` and `/docs-json`.'),
  own('SECURITY_CONTACT', 'none', 'Comma-separated e-mail addresses, or `https:` and `tel:` URIs, for reports of vulnerabilities in your service; shown at `/.well-known/security.txt`, which does not exist without it.'),
  own('LOG_LEVEL', 'info', '`silent`, `error`, `warn`, `info`, `debug` or `verbose`.'),
];

const TRUE = new Set(['true', '1', 'on', 'yes']);
const FALSE = new Set(['false', '0', 'off', 'no']);

/**
 * Reads variables; an empty one counts as not set. Invalid values are passed on, so that one place refuses them
 * all.
 */
export class Environment {
  /** Secrets whose files cannot be read. */
  readonly problems: readonly ConfigurationProblem[];
  private readonly secrets: ReadonlyMap<string, string>;

  constructor(private readonly variables: NodeJS.ProcessEnv) {
    const names = VARIABLES.filter(({ isSecret }) => isSecret).map(({ name }) => name);
    const { values, problems } = readSecretFiles(variables, names);
    this.secrets = values;
    this.problems = problems;
  }

  text(name: string): string | undefined {
    return this.secrets.get(name) ?? (this.variables[name]?.trim() || undefined);
  }

  /** Whether the value of a variable is unknown because its file cannot be read: no further problem is reported. */
  isUnread(name: string): boolean {
    return this.problems.some(({ key }) => key === fileVariable(name));
  }

  lowercase(name: string): string | undefined {
    return this.text(name)?.toLowerCase();
  }

  list(name: string): string[] | undefined {
    return this.text(name)
      ?.split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  /** Parses a list of `id:secret`. */
  credentials(name: string): { id: string; secret: string }[] | undefined {
    return this.list(name)?.map((pair) => {
      const [id = '', ...secret] = pair.split(':');
      return { id, secret: secret.join(':') };
    });
  }

  /** A boolean, or the text unchanged. */
  flag(name: string): boolean | string | undefined {
    const text = this.lowercase(name);
    if (text === undefined) return undefined;
    if (TRUE.has(text)) return true;
    return FALSE.has(text) ? false : text;
  }

  /** A number, or the text unchanged. */
  number(name: string): number | string | undefined {
    const text = this.text(name);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
  }

  /** Every option that a variable sets, by group, unchecked. */
  options(): OptionGroup {
    const options: OptionGroup = {};
    for (const { name, option, kind } of VARIABLES) {
      if (option === undefined) continue;
      const path = option.split('.');
      const last = path.pop() ?? '';
      const group = path.reduce((outer, key) => (outer[key] ??= {}) as OptionGroup, options);
      group[last] = this[kind](name);
    }
    return options;
  }
}

interface OptionGroup {
  [name: string]: unknown;
}
