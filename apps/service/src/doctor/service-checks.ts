import { isIP } from 'node:net';
import mongoose from 'mongoose';
import type { Finding, FindingSeverity } from 'nestjs-silent-auth';
import { developmentKeyFile } from 'nestjs-silent-auth/cli';
import type { AppConfig } from '../config/config.js';
import { storedDevelopmentKeys } from '../config/key-sets.js';

/** The findings of the service itself, with their severity in production and elsewhere; null means no finding. */
export const SERVICE_FINDINGS = {
  'service.start-fails': ['error', 'error'],
  'service.not-examined': ['info', 'info'],
  'service.setting': ['warning', 'info'],
  'service.development-keys': ['error', null],
  'service.default-administrator': ['warning', null],
  'service.database-plain': ['warning', null],
  'service.database-open': ['warning', null],
  'service.remote-database': ['warning', 'warning'],
  'service.redis-plain': ['warning', null],
} as const satisfies Record<string, readonly [FindingSeverity, FindingSeverity | null]>;

type Observation = Omit<Finding, 'code' | 'severity'> & { readonly code: keyof typeof SERVICE_FINDINGS };

const CHECKS: readonly ((config: AppConfig) => Observation[])[] = [
  developmentKeysInUse,
  defaultAdministrator,
  databaseConnection,
  remoteDatabase,
  redisConnection,
];

/** Finds problems in the settings that the library does not know. */
export function examineService(config: AppConfig): Finding[] {
  const observations = CHECKS.flatMap((check) => check(config));
  return withSeverity(observations, config);
}

export function withSeverity(
  observations: readonly Observation[],
  { isProduction }: Pick<AppConfig, 'isProduction'>,
): Finding[] {
  return observations.flatMap((observation) => {
    const severity = SERVICE_FINDINGS[observation.code][isProduction ? 0 : 1];
    return severity === null ? [] : [{ ...observation, severity }];
  });
}

/** Development keys are in a file without protection. */
function developmentKeysInUse({ auth, dataDir }: AppConfig): Observation[] {
  return (['access', 'refresh'] as const).flatMap((kind) => {
    const known = knownKeys(dataDir, kind).map((key) => JSON.stringify(key));
    if (!auth.keys[kind].some((key) => known.includes(JSON.stringify(key)))) return [];
    return {
      code: 'service.development-keys' as const,
      subject: kind === 'access' ? 'JWT_ACCESS_KEYS' : 'JWT_REFRESH_KEYS',
      message: `it holds a development key of ${dataDir}: copies of it may be anywhere that the code was tried`,
      fix: 'make keys of its own for production (silent-auth keys generate), and take this one out',
    };
  });
}

function knownKeys(dataDir: string, kind: 'access' | 'refresh') {
  try {
    return storedDevelopmentKeys(developmentKeyFile(dataDir), kind);
  } catch {
    // There is no such file, or it has another form: no keys in use come from it.
    return [];
  }
}

function defaultAdministrator({ admin }: AppConfig): Observation[] {
  if (admin === null || !/@example\.(?:com|org|net)$/i.test(admin.email)) return [];
  return [
    {
      code: 'service.default-administrator',
      subject: 'ADMIN_EMAIL',
      message: `${admin.email} is an example address: nobody gets its mail, and everybody can guess it`,
      fix: 'give the address of an administrator of the service',
    },
  ];
}

function databaseConnection({ database: { uri } }: AppConfig): Observation[] {
  if (uri === null || !isRemote(uri)) return [];
  const { tls, credentials } = new mongoose.mongo.MongoClient(uri).options;
  const observations: Observation[] = [];
  if (!tls)
    observations.push({
      code: 'service.database-plain',
      subject: 'MONGODB_URI',
      message:
        'the connection to the database leaves your network and is not encrypted: others can read password hashes and addresses',
      fix: 'turn on TLS at the server, and add tls=true to the URI',
    });
  if (!credentials)
    observations.push({
      code: 'service.database-open',
      subject: 'MONGODB_URI',
      message:
        'the connection to the database has no user name: everybody who can reach the database can read and write it',
      fix: 'turn on authentication at the server, and give the service a user with the role readWrite on its database',
    });
  return observations;
}

function remoteDatabase({ database: { uri }, isProduction }: AppConfig): Observation[] {
  if (isProduction || uri === null || !isRemote(uri)) return [];
  return [
    {
      code: 'service.remote-database',
      subject: 'NODE_ENV',
      message:
        'the database is elsewhere, and NODE_ENV is not production: development defaults work on real data',
      fix: 'set NODE_ENV=production, or use a database of this machine',
    },
  ];
}

function redisConnection({ redis }: AppConfig): Observation[] {
  if (!redis || redis.isEncrypted || !redis.hosts.some(({ host }) => isPublic(host))) return [];
  return [
    {
      code: 'service.redis-plain',
      subject: 'REDIS_URL',
      message:
        'the connection to Redis leaves your network and is not encrypted: others can read and drop revocations',
      fix: 'use TLS: rediss://, rediss+cluster:// or rediss+sentinel://',
    },
  ];
}

/** Whether a URI names a host outside the local network, judged by its name. */
function isRemote(uri: string): boolean {
  if (uri.startsWith('mongodb+srv:')) return true;
  return new mongoose.mongo.MongoClient(uri).options.hosts.some(({ host = '' }) => isPublic(host));
}

const PRIVATE =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe80:)/i;

/** Names without a domain, reserved names and private addresses belong to a local network. */
function isPublic(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return !PRIVATE.test(bare);
  return bare.includes('.') && !/\.(?:local|localhost|internal|lan|test|invalid|home\.arpa)$/i.test(bare);
}
