/** One environment variable of the reference service; the README's table is held against this list. */
export interface Variable {
  readonly name: string;
  /** As the README shows it. */
  readonly fallback: string;
  readonly meaning: string;
  /** The option of the library that it sets, by which its problems are reported. */
  readonly option?: string;
}

export const VARIABLES: readonly Variable[] = [
  { name: 'PORT', fallback: '3000', meaning: 'Port to listen on.' },
  { name: 'HOST', fallback: '127.0.0.1; 0.0.0.0 in production', meaning: 'Address to bind to.' },
  { name: 'NODE_ENV', fallback: 'development', meaning: '`production` refuses development defaults.' },
  { name: 'HTTP_ADAPTER', fallback: 'express', meaning: '`express` or `fastify`.' },
  { name: 'MONGODB_URI', fallback: 'none', meaning: 'Connection string of MongoDB. Required in production.' },
  {
    name: 'DATABASE',
    fallback: 'auto',
    meaning:
      '`auto` (`MONGODB_URI`, else `embedded`), `uri`, `embedded` or `memory-server` (downloads a mongod).',
  },
  {
    name: 'DATA_DIR',
    fallback: '.data',
    meaning: 'Where development keys and the embedded database are kept.',
  },
  {
    name: 'ISSUER',
    fallback: 'http://localhost:PORT',
    meaning: 'Public URL of the service, the `iss` of every token.',
    option: 'issuer',
  },
  { name: 'AUDIENCE', fallback: 'ISSUER', meaning: 'The `aud` of access tokens.', option: 'audience' },
  {
    name: 'JWT_ACCESS_KEYS',
    fallback: 'development keys in DATA_DIR',
    meaning:
      'Comma-separated secrets of at least 32 bytes, the first signs, or the path of a JWK set, taken over when it changes. Required in production.',
    option: 'keys.access',
  },
  {
    name: 'JWT_REFRESH_KEYS',
    fallback: 'development keys in DATA_DIR',
    meaning: 'The same for refresh tokens; other keys. Required in production.',
    option: 'keys.refresh',
  },
  {
    name: 'ACCESS_TOKEN_TTL',
    fallback: '15m',
    meaning: 'Life of an access token.',
    option: 'accessToken.ttl',
  },
  {
    name: 'ACCESS_TOKEN_RETIRE_PREVIOUS',
    fallback: 'false',
    meaning: 'Whether a refresh ends the access token before.',
    option: 'accessToken.retirePrevious',
  },
  {
    name: 'REFRESH_IDLE_TTL',
    fallback: '7d',
    meaning: 'A session unused for so long ends.',
    option: 'refreshToken.idleTtl',
  },
  {
    name: 'REFRESH_ABSOLUTE_TTL',
    fallback: '30d',
    meaning: 'A session ends so long after its login.',
    option: 'refreshToken.absoluteTtl',
  },
  {
    name: 'REFRESH_SLIDING',
    fallback: 'true',
    meaning: 'Whether a refresh renews the idle life.',
    option: 'refreshToken.sliding',
  },
  {
    name: 'REFRESH_GRACE_PERIOD',
    fallback: '10s',
    meaning: 'How long a replaced refresh token still gets the current one.',
    option: 'refreshToken.gracePeriod',
  },
  {
    name: 'REFRESH_LOST_RESPONSE_WINDOW',
    fallback: '24h',
    meaning: 'How long a lost response can be recovered; `0` turns it off.',
    option: 'refreshToken.lostResponseWindow',
  },
  {
    name: 'REFRESH_REUSE',
    fallback: 'revoke',
    meaning: '`revoke`, or `report` (shadow mode).',
    option: 'refreshToken.reuse',
  },
  {
    name: 'REFRESH_REUSE_SCOPE',
    fallback: 'session',
    meaning: '`session` or `user`.',
    option: 'refreshToken.reuseScope',
  },
  {
    name: 'ALLOW_BODY_TRANSPORT',
    fallback: 'true',
    meaning: 'Whether clients may ask for the refresh token in the body.',
    option: 'refreshToken.allowBodyTransport',
  },
  {
    name: 'MAX_SESSIONS_PER_USER',
    fallback: '20',
    meaning: 'Beyond it a login ends the session unused longest.',
    option: 'sessions.maxPerUser',
  },
  {
    name: 'REVOCATION_MODE',
    fallback: 'feed',
    meaning: '`feed` (from memory), `strict` (the store is asked at each request) or `off`.',
    option: 'revocation.mode',
  },
  {
    name: 'REVOCATION_STORE',
    fallback: 'mongodb',
    meaning: '`mongodb` or `redis`: where instances share revocations.',
  },
  {
    name: 'REDIS_URL',
    fallback: 'none',
    meaning: 'Connection string of Redis. Required by `REVOCATION_STORE=redis`.',
  },
  {
    name: 'BCRYPT_COST',
    fallback: '12',
    meaning: 'Each step doubles the time of a login.',
    option: 'password.bcryptCost',
  },
  {
    name: 'FINGERPRINT_MODE',
    fallback: 'report',
    meaning: '`off`, `report`, or `enforce`: what a refresh from another browser than the login’s does.',
    option: 'fingerprint.mode',
  },
  {
    name: 'FINGERPRINT_FEATURES',
    fallback: 'user-agent,accept-language,sec-ch-ua-platform',
    meaning: 'Comma-separated traits that count; also `accept-encoding`, `sec-ch-ua`, `address`.',
    option: 'fingerprint.features',
  },
  {
    name: 'ANOMALY_ACTION',
    fallback: 'report',
    meaning: '`report`, `revoke-session` or `revoke-user`: what suspicious activity does.',
    option: 'anomaly.action',
  },
  {
    name: 'TRUSTED_ORIGINS',
    fallback: 'none',
    meaning: 'Comma-separated origins of front ends elsewhere; answered with CORS.',
    option: 'trustedOrigins',
  },
  {
    name: 'INTROSPECTION_CLIENTS',
    fallback: 'none',
    meaning:
      'Comma-separated `id:secret` of services that may introspect and revoke tokens; secrets of at least 32 characters.',
    option: 'introspectionClients',
  },
  {
    name: 'TRUST_PROXY',
    fallback: 'false',
    meaning: '`true`, a number of hops, or addresses of proxies whose `X-Forwarded-*` is believed.',
  },
  {
    name: 'COOKIE_DOMAIN',
    fallback: 'none',
    meaning: '`Domain` of the refresh cookie.',
    option: 'refreshToken.cookie.domain',
  },
  {
    name: 'COOKIE_SECURE',
    fallback: 'true in production',
    meaning: '`Secure` of the refresh cookie; needs HTTPS.',
    option: 'refreshToken.cookie.secure',
  },
  {
    name: 'COOKIE_SAMESITE',
    fallback: 'strict',
    meaning: '`strict`, `lax` or `none`.',
    option: 'refreshToken.cookie.sameSite',
  },
  {
    name: 'ADMIN_EMAIL',
    fallback: 'admin@example.com in development',
    meaning: 'Administrator made at the first start.',
  },
  {
    name: 'ADMIN_PASSWORD',
    fallback: 'random in development, shown once',
    meaning: 'His password; in production none is made without it.',
  },
  {
    name: 'SMTP_URL',
    fallback: 'none',
    meaning:
      'Mail server, `smtp://` or `smtps://`; without one no mail is sent, and in development it is shown on the terminal.',
  },
  {
    name: 'MAIL_FROM',
    fallback: 'none',
    meaning: 'Sender of mail, such as `Example <no-reply@example.com>`. Required by `SMTP_URL`.',
  },
  {
    name: 'APP_URL',
    fallback: 'ISSUER',
    meaning: 'URL of the front end, to which mail links; without one the service’s own pages.',
  },
  {
    name: 'EMAIL_VERIFICATION',
    fallback: 'off',
    meaning:
      '`off` or `required`: whether a user must open a link out of his mail to log in. `required` needs `SMTP_URL`.',
    option: 'emailVerification',
  },
  {
    name: 'THROTTLE',
    fallback: 'on',
    meaning: '`on` or `off`; `off` for load tests: nobody is slowed down.',
  },
  { name: 'AUDIT', fallback: 'on', meaning: '`on` or `off`: whether every event is kept in the database.' },
  {
    name: 'AUDIT_RETENTION',
    fallback: '90d',
    meaning: 'How long the audit log keeps a row.',
    option: 'audit.retention',
  },
  {
    name: 'AUDIT_ROTATIONS',
    fallback: 'true',
    meaning: 'Whether each rotation of a refresh token gets a row; `false` only counts them.',
    option: 'audit.rotations',
  },
  {
    name: 'METRICS_TOKEN',
    fallback: 'none',
    meaning:
      'Bearer token of at least 16 characters for `/metrics`; in production there is no `/metrics` without it.',
  },
  {
    name: 'DEMO',
    fallback: 'on; off in production',
    meaning:
      '`on` or `off`: the demo page at `/`, with short access tokens unless `ACCESS_TOKEN_TTL` is set.',
  },
  {
    name: 'LOG_LEVEL',
    fallback: 'info',
    meaning: '`silent`, `error`, `warn`, `info`, `debug` or `verbose`.',
  },
];

const TRUE = new Set(['true', '1', 'on', 'yes']);
const FALSE = new Set(['false', '0', 'off', 'no']);

/** Reads variables as text; what is empty counts as not set. Odd values are passed on, for one place to refuse them. */
export class Environment {
  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  text(name: string): string | undefined {
    return this.variables[name]?.trim() || undefined;
  }

  list(name: string): string[] | undefined {
    return this.text(name)
      ?.split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  /** A boolean, or the text as it is. */
  flag(name: string): boolean | string | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    return TRUE.has(text) ? true : FALSE.has(text) ? false : text;
  }

  /** A number, or the text as it is. */
  number(name: string): number | string | undefined {
    const text = this.text(name);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
  }
}
