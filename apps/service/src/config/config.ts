import {
  type AuthOptions,
  checkOptions,
  ConfigurationError,
  type ConfigurationProblem,
  type CookieOptions,
  type Mailer,
} from 'nestjs-silent-auth';
import { SmtpMailer } from '../mail/smtp-mailer.js';
import { TerminalMailer } from '../mail/terminal-mailer.js';
import { Environment, VARIABLES } from './environment.js';
import { textInVariables } from './in-variables.js';
import { type DevelopmentKeys, developmentKeys, type KeySources } from './key-sets.js';
import { type MisspeltVariable, misspeltVariables, NOT_READ } from './misspelt-variables.js';
import type { RedisSettings } from './redis-url.js';
import type {
  AdminSettings,
  DatabaseSettings,
  MailSettings,
  MetricsSettings,
  TrustProxy,
} from './settings.js';
import { SettingsReader } from './settings-reader.js';

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The `appId` of sessions that begin on the demo page. */
const DEMO_APP_ID = 'silent-auth-demo';
/** Short enough that a visitor sees two refreshes within a minute; all other sessions use the configured lifetime. */
const DEMO_ACCESS_TTL = '20s';

/** The configuration of the reference service. */
export interface AppConfig {
  readonly port: number;
  readonly host: string;
  readonly isProduction: boolean;
  readonly httpAdapter: 'express' | 'fastify';
  readonly database: DatabaseSettings;
  /** Null: revocations are shared through MongoDB. */
  readonly redis: RedisSettings | null;
  readonly dataDir: string;
  readonly trustProxy: TrustProxy;
  readonly trustedOrigins: readonly string[];
  readonly admin: AdminSettings | null;
  /** Where users sign in, if that is on another site. */
  readonly frontEnd: string | null;
  /** Whether the demo page is served at `/`. */
  readonly hasDemo: boolean;
  /** Whether the OpenAPI document is served at `/docs` and `/docs-json`. */
  readonly hasDocs: boolean;
  /** URIs for reports of vulnerabilities; with none there is no `/.well-known/security.txt`. */
  readonly securityContacts: readonly string[];
  readonly logLevel: LogLevel;
  /** Null: no metrics, and no `/metrics`. */
  readonly metrics: MetricsSettings | null;
  readonly auth: AuthOptions;
  /** Where the keys come from: a file is read again when it changes. */
  readonly keySources: KeySources;
  /** Shown to the operator at start. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration from the environment.
 * @throws ConfigurationError with every problem at once, including those of the library's options
 */
export function readConfig(
  variables: NodeJS.ProcessEnv,
  keysOfDevelopment: DevelopmentKeys = developmentKeys,
): AppConfig {
  const env = new Environment(variables);
  const read = new SettingsReader(env, keysOfDevelopment);
  const mode = read.choice('NODE_ENV', 'development', ['development', 'production', 'test']);
  const { isProduction } = read;
  const port = read.port();
  const dataDir = env.text('DATA_DIR') ?? '.data';
  const issuer = read.issuer(port);
  const keySources: KeySources = {
    access: read.keys('JWT_ACCESS_KEYS', 'access', dataDir),
    refresh: read.keys('JWT_REFRESH_KEYS', 'refresh', dataDir),
  };
  const mail = read.mail(issuer);
  const hasDemo = read.demo();
  const auth = authOptions(env, read, { issuer, port, keySources, hasDemo, mailer: mailerOf(mail, mode) });

  const database = read.database();
  read.databaseFolder(database, dataDir);

  const config: AppConfig = {
    port,
    host: env.text('HOST') ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    isProduction,
    httpAdapter: read.choice('HTTP_ADAPTER', 'fastify', ['fastify', 'express']),
    database,
    redis: read.redis(),
    dataDir,
    trustProxy: read.trustProxy(),
    trustedOrigins: env.list('TRUSTED_ORIGINS') ?? [],
    admin: read.administrator(),
    frontEnd: mail.frontEnd,
    hasDemo,
    hasDocs: read.isOn('DOCS'),
    securityContacts: read.securityContacts(),
    logLevel: read.choice('LOG_LEVEL', 'info', LOG_LEVELS),
    metrics: read.metrics(),
    auth,
    keySources,
    warnings: read.warnings,
  };
  const found = [...read.problems, ...problemsOf(config.auth, read.problems)];
  const problems = [...env.problems, ...found.filter(({ key }) => !env.isUnread(key))];
  const misspelt = misspeltVariables(variables);
  // A misspelt name may be why another variable counts as missing.
  if (problems.length > 0) throw new ConfigurationError([...problems, ...misspelt.map(asProblem)]);
  return { ...config, warnings: [...config.warnings, ...misspelt.map(asWarning)] };
}

function asProblem({ name, meant }: MisspeltVariable): ConfigurationProblem {
  return { key: name, value: NOT_READ, fix: `did you mean ${meant}?` };
}

function asWarning({ name, meant }: MisspeltVariable): string {
  return `${name} is not read: did you mean ${meant}?`;
}

interface OwnOptions {
  readonly issuer: string;
  readonly port: number;
  readonly keySources: KeySources;
  readonly hasDemo: boolean;
  readonly mailer: Mailer | undefined;
}

/** The options of the library: those that variables set, with the defaults of the service. */
function authOptions(env: Environment, read: SettingsReader, own: OwnOptions): AuthOptions {
  const options = env.options() as Partial<AuthOptions>;
  const { accessToken, refreshToken } = options;
  return {
    ...options,
    issuer: own.issuer,
    keys: { access: own.keySources.access.keys, refresh: own.keySources.refresh.keys },
    accessToken: {
      ...accessToken,
      ttlByApp: own.hasDemo && accessToken?.ttl === undefined ? { [DEMO_APP_ID]: DEMO_ACCESS_TTL } : {},
    },
    refreshToken: {
      ...refreshToken,
      allowBodyTransport: refreshToken?.allowBodyTransport ?? true,
      cookie: cookieOptions(refreshToken?.cookie, own.port, read.isProduction),
    },
    throttle: read.isOn('THROTTLE') ? undefined : false,
    audit: read.isOn('AUDIT') && options.audit,
    mailer: own.mailer,
  };
}

/** A developer's services share the cookies of `localhost`, so each needs its own name. */
function cookieOptions(given: CookieOptions = {}, port: number, isProduction: boolean): CookieOptions {
  return {
    ...given,
    name: given.name ?? (isProduction ? undefined : `refresh_token_${port}`),
    secure: given.secure ?? isProduction,
  };
}

/** Without a mail server, mail is shown on the terminal in development and not sent in production. */
function mailerOf({ smtp, appUrl }: MailSettings, mode: string): Mailer | undefined {
  if (smtp) return new SmtpMailer(smtp.server, smtp.from, appUrl);
  return mode === 'development' ? new TerminalMailer(appUrl) : undefined;
}

/**
 * The library's problems, with the names of the variables that set its options; variables refused already are left
 * out.
 */
function problemsOf(options: AuthOptions, refused: readonly ConfigurationProblem[]): ConfigurationProblem[] {
  return checkOptions(options)
    .map((problem) => {
      const variable = VARIABLES.find(({ option }) => option === problem.key.replace(/\[\d+\]$/, ''));
      return { ...problem, key: variable?.name ?? problem.key, fix: textInVariables(problem.fix) };
    })
    .filter(({ key }) => !refused.some((problem) => problem.key === key));
}
