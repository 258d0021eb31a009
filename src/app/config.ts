import {
  type AuthOptions,
  checkOptions,
  ConfigurationError,
  type ConfigurationProblem,
  type KeyInput,
} from '../index.js';
import { Environment, VARIABLES } from './environment.js';
import { developmentKeys, KeyFileError, readKeySet } from './keys.js';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DATABASES = ['auto', 'uri', 'embedded', 'memory-server'] as const;
export type DatabaseChoice = (typeof DATABASES)[number];

/** What Express and Fastify both understand as proxy trust. */
export type TrustProxy = boolean | number | string[];

/** The configuration of the reference service. */
export interface AppConfig {
  readonly port: number;
  readonly host: string;
  readonly isProduction: boolean;
  readonly httpAdapter: 'express' | 'fastify';
  readonly database: { readonly choice: DatabaseChoice; readonly uri: string | null };
  readonly dataDir: string;
  readonly trustProxy: TrustProxy;
  readonly trustedOrigins: readonly string[];
  readonly admin: { readonly email: string; readonly password: string | null } | null;
  readonly logLevel: LogLevel;
  readonly auth: AuthOptions;
  /** For the operator, at start. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration from the environment.
 * @throws ConfigurationError with every problem at once, those of the library's options among them
 */
export function readConfig(variables: NodeJS.ProcessEnv): AppConfig {
  const env = new Environment(variables);
  const problems: ConfigurationProblem[] = [];
  const warnings: string[] = [];
  const refuse = (key: string, value: string | number | undefined, mend: string) =>
    problems.push({ key, value: value === undefined ? '(not set)' : `'${value}'`, mend });
  const choice = <T extends string>(name: string, fallback: T, choices: readonly T[]): T => {
    const given = env.text(name);
    const found = choices.find((candidate) => candidate === (given ?? fallback));
    if (found === undefined) refuse(name, given, `give one of ${choices.join(', ')}`);
    return found ?? fallback;
  };

  const mode = choice('NODE_ENV', 'development', ['development', 'production', 'test']);
  const isProduction = mode === 'production';
  const port = env.number('PORT') ?? 3000;
  if (typeof port !== 'number' || port > 65535) refuse('PORT', port, 'give a port number from 0 to 65535');
  const isThrottled = choice('THROTTLE', 'on', ['on', 'off']) === 'on';
  const dataDir = env.text('DATA_DIR') ?? '.data';
  const issuer = env.text('ISSUER') ?? `http://localhost:${port}`;
  if (isProduction && env.text('ISSUER') === undefined)
    warnings.push(
      `ISSUER is not set: tokens are issued for ${issuer}. Set it to the public URL of the service.`,
    );

  const uri = env.text('MONGODB_URI') ?? null;
  const database = choice('DATABASE', 'auto', DATABASES);
  if (uri !== null && !/^mongodb(\+srv)?:\/\//.test(uri))
    refuse('MONGODB_URI', '…', 'give a URI that begins with mongodb:// or mongodb+srv://');
  if (uri === null && (isProduction || database === 'uri'))
    refuse(
      'MONGODB_URI',
      undefined,
      'give the connection string of your MongoDB, such as mongodb://db.example.com:27017/auth?replicaSet=rs0',
    );
  if (isProduction && (database === 'embedded' || database === 'memory-server'))
    refuse('DATABASE', database, 'production needs a real MongoDB: leave DATABASE out and set MONGODB_URI');

  const keys = {
    access: readKeys('JWT_ACCESS_KEYS', 'access'),
    refresh: readKeys('JWT_REFRESH_KEYS', 'refresh'),
  };
  function readKeys(name: string, kind: 'access' | 'refresh'): KeyInput[] {
    try {
      const given = env.text(name);
      if (given !== undefined) return readKeySet(given);
      if (!isProduction) {
        warnings.push(
          `${name} is not set: using development keys kept in ${dataDir}. Never do this in production.`,
        );
        return developmentKeys(dataDir, kind);
      }
      refuse(
        name,
        undefined,
        `give a secret of at least 32 random bytes: node -p "crypto.randomBytes(48).toString('base64url')"`,
      );
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      problems.push({ key: name, value: '(keys)', mend: error.message });
    }
    return [];
  }

  const config: AppConfig = {
    port: Number(port),
    host: env.text('HOST') ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    isProduction,
    httpAdapter: choice('HTTP_ADAPTER', 'express', ['express', 'fastify']),
    database: { choice: database, uri },
    dataDir,
    trustProxy: readTrustProxy(env),
    trustedOrigins: env.list('TRUSTED_ORIGINS') ?? [],
    admin: readAdmin(env, isProduction),
    logLevel: choice('LOG_LEVEL', 'info', LOG_LEVELS),
    auth: readAuthOptions(env, { issuer, keys, isProduction, isThrottled }),
    warnings,
  };
  problems.push(...problemsOf(config.auth, problems));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return config;
}

interface AuthBasis {
  readonly issuer: string;
  readonly keys: AuthOptions['keys'];
  readonly isProduction: boolean;
  readonly isThrottled: boolean;
}

/** Values go to the library as they are, odd ones too: it checks them and reports all together. */
function readAuthOptions(
  env: Environment,
  { issuer, keys, isProduction, isThrottled }: AuthBasis,
): AuthOptions {
  return {
    issuer,
    audience: env.text('AUDIENCE'),
    keys,
    accessToken: { ttl: env.text('ACCESS_TOKEN_TTL') },
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
    password: { bcryptCost: env.number('BCRYPT_COST') as number | undefined },
    throttle: isThrottled ? undefined : false,
    trustedOrigins: env.list('TRUSTED_ORIGINS'),
  };
}

function readTrustProxy(env: Environment): TrustProxy {
  const flag = env.flag('TRUST_PROXY');
  if (flag === undefined) return false;
  if (typeof flag === 'boolean' && !/^[01]$/.test(env.text('TRUST_PROXY') ?? '')) return flag;
  const hops = env.number('TRUST_PROXY');
  return typeof hops === 'number' ? hops : (env.list('TRUST_PROXY') ?? false);
}

/** In development there is always an administrator; in production only one whose password was chosen. */
function readAdmin(env: Environment, isProduction: boolean): AppConfig['admin'] {
  const email = env.text('ADMIN_EMAIL') ?? (isProduction ? undefined : 'admin@example.com');
  const password = env.text('ADMIN_PASSWORD') ?? null;
  return email === undefined || (isProduction && password === null) ? null : { email, password };
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
