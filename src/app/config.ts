import {
  type AuthOptions,
  checkOptions,
  ConfigurationError,
  type ConfigurationProblem,
  type FingerprintFeature,
  type Mailer,
} from '../index.js';
import { DEMO_ACCESS_TTL, DEMO_APP_ID } from './demo/demo-settings.js';
import { Environment, VARIABLES } from './environment.js';
import { type DevelopmentKeys, developmentKeys } from './keys/key-sets.js';
import type { KeySources } from './keys/key-file-watcher.js';
import { SmtpMailer } from './mail/smtp-mailer.js';
import { TerminalMailer } from './mail/terminal-mailer.js';
import type { MetricsSettings } from './metrics/metrics-settings.js';
import {
  type AdminSettings,
  type DatabaseSettings,
  type MailSettings,
  SettingsReader,
  type TrustProxy,
} from './settings-reader.js';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The configuration of the reference service. */
export interface AppConfig {
  readonly port: number;
  readonly host: string;
  readonly isProduction: boolean;
  readonly httpAdapter: 'express' | 'fastify';
  readonly database: DatabaseSettings;
  /** Null: revocations are shared through MongoDB. */
  readonly redisUrl: string | null;
  readonly dataDir: string;
  readonly trustProxy: TrustProxy;
  readonly trustedOrigins: readonly string[];
  readonly admin: AdminSettings | null;
  /** Where users sign in, if that is elsewhere. */
  readonly frontEnd: string | null;
  /** Whether the demo page is served at `/`. */
  readonly hasDemo: boolean;
  readonly logLevel: LogLevel;
  /** Null: nothing is counted, and there is no `/metrics`. */
  readonly metrics: MetricsSettings | null;
  readonly auth: AuthOptions;
  /** Where the keys come from: a file is read again when it changes. */
  readonly keySources: KeySources;
  /** For the operator, at start. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration from the environment.
 * @throws ConfigurationError with every problem at once, those of the library's options among them
 */
export function readConfig(
  variables: NodeJS.ProcessEnv,
  keysOfDevelopment: DevelopmentKeys = developmentKeys,
): AppConfig {
  const env = new Environment(variables);
  const mode = env.text('NODE_ENV') ?? 'development';
  const isProduction = mode === 'production';
  const read = new SettingsReader(env, isProduction, keysOfDevelopment);
  read.choice('NODE_ENV', 'development', ['development', 'production', 'test']);
  const port = read.port();
  const dataDir = env.text('DATA_DIR') ?? '.data';
  const issuer = read.issuer(port);
  const keySources: KeySources = {
    access: read.keys('JWT_ACCESS_KEYS', 'access', dataDir),
    refresh: read.keys('JWT_REFRESH_KEYS', 'refresh', dataDir),
  };
  const mail = read.mail(issuer);
  const basis: AuthBasis = {
    issuer,
    keys: { access: keySources.access.read(), refresh: keySources.refresh.read() },
    isProduction,
    hasDemo: read.demo(),
    isThrottled: read.choice('THROTTLE', 'on', ['on', 'off']) === 'on',
    isAudited: read.choice('AUDIT', 'on', ['on', 'off']) === 'on',
    mailer: mailerOf(mail, mode === 'development'),
  };

  const config: AppConfig = {
    port,
    host: env.text('HOST') ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    isProduction,
    httpAdapter: read.choice('HTTP_ADAPTER', 'express', ['express', 'fastify']),
    database: read.database(),
    redisUrl: read.redisUrl(),
    dataDir,
    trustProxy: read.trustProxy(),
    trustedOrigins: env.list('TRUSTED_ORIGINS') ?? [],
    admin: read.administrator(),
    frontEnd: mail.frontEnd,
    hasDemo: basis.hasDemo,
    logLevel: read.choice('LOG_LEVEL', 'info', LOG_LEVELS),
    metrics: read.metrics(),
    auth: readAuthOptions(env, basis),
    keySources,
    warnings: read.warnings,
  };
  const problems = [...read.problems, ...problemsOf(config.auth, read.problems)];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return config;
}

interface AuthBasis {
  readonly issuer: string;
  readonly keys: AuthOptions['keys'];
  readonly isProduction: boolean;
  readonly hasDemo: boolean;
  readonly isThrottled: boolean;
  readonly isAudited: boolean;
  readonly mailer: Mailer | undefined;
}

/** Without a mail server a developer reads mail on his terminal; elsewhere none is sent. */
function mailerOf({ smtp, appUrl }: MailSettings, isDevelopment: boolean): Mailer | undefined {
  if (smtp) return new SmtpMailer(smtp.server, smtp.from, appUrl);
  return isDevelopment ? new TerminalMailer(appUrl) : undefined;
}

/** Values go to the library as they are, odd ones too: it checks them and reports all together. */
function readAuthOptions(
  env: Environment,
  { issuer, keys, isProduction, hasDemo, isThrottled, isAudited, mailer }: AuthBasis,
): AuthOptions {
  const ttl = env.text('ACCESS_TOKEN_TTL');
  return {
    issuer,
    audience: env.text('AUDIENCE'),
    keys,
    accessToken: {
      ttl,
      ttlByApp: hasDemo && ttl === undefined ? { [DEMO_APP_ID]: DEMO_ACCESS_TTL } : {},
      retirePrevious: env.flag('ACCESS_TOKEN_RETIRE_PREVIOUS') as boolean | undefined,
    },
    revocation: { mode: env.text('REVOCATION_MODE') as 'feed' | 'strict' | 'off' | undefined },
    refreshToken: {
      idleTtl: env.text('REFRESH_IDLE_TTL'),
      absoluteTtl: env.text('REFRESH_ABSOLUTE_TTL'),
      sliding: env.flag('REFRESH_SLIDING') as boolean | undefined,
      gracePeriod: env.text('REFRESH_GRACE_PERIOD'),
      lostResponseWindow: env.text('REFRESH_LOST_RESPONSE_WINDOW'),
      reuse: env.text('REFRESH_REUSE') as 'revoke' | 'report' | undefined,
      reuseScope: env.text('REFRESH_REUSE_SCOPE') as 'session' | 'user' | undefined,
      allowBodyTransport: (env.flag('ALLOW_BODY_TRANSPORT') ?? true) as boolean,
      cookie: {
        domain: env.text('COOKIE_DOMAIN'),
        secure: (env.flag('COOKIE_SECURE') ?? isProduction) as boolean,
        sameSite: env.text('COOKIE_SAMESITE')?.toLowerCase() as 'strict' | 'lax' | 'none' | undefined,
      },
    },
    sessions: { maxPerUser: env.number('MAX_SESSIONS_PER_USER') as number | undefined },
    fingerprint: {
      mode: env.text('FINGERPRINT_MODE') as 'off' | 'report' | 'enforce' | undefined,
      features: env.list('FINGERPRINT_FEATURES') as FingerprintFeature[] | undefined,
    },
    anomaly: { action: env.text('ANOMALY_ACTION') as 'report' | undefined },
    password: { bcryptCost: env.number('BCRYPT_COST') as number | undefined },
    throttle: isThrottled ? undefined : false,
    audit: isAudited && {
      retention: env.text('AUDIT_RETENTION'),
      rotations: env.flag('AUDIT_ROTATIONS') as boolean | undefined,
    },
    mailer,
    emailVerification: env.text('EMAIL_VERIFICATION') as 'off' | 'required' | undefined,
    trustedOrigins: env.list('TRUSTED_ORIGINS'),
    introspectionClients: env.list('INTROSPECTION_CLIENTS')?.map((pair) => {
      const [id = '', ...secret] = pair.split(':');
      return { id, secret: secret.join(':') };
    }),
  };
}

/** The library's problems by the names of the variables that set its options, but for variables refused already. */
function problemsOf(options: AuthOptions, refused: readonly ConfigurationProblem[]): ConfigurationProblem[] {
  return checkOptions(options)
    .map((problem) => {
      const variable = VARIABLES.find(({ option }) => option === problem.key.replace(/\[\d+\]$/, ''));
      return variable ? { ...problem, key: variable.name } : problem;
    })
    .filter(({ key }) => !refused.some((problem) => problem.key === key));
}
