import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { type ConfigurationProblem, KeyFileError, readKeySet, type TokenKind } from 'nestjs-silent-auth';
import { developmentKeyFile, newSecret } from 'nestjs-silent-auth/cli';
import { parseSender, parseSmtpUrl, withoutPassword } from '../mail/mail-settings.js';
import type { Environment } from './environment.js';
import { type DevelopmentKeys, type KeySource, storedDevelopmentKeys } from './key-sets.js';
import { parseRedisUrl, type RedisSettings } from './redis-url.js';
import {
  type AdminSettings,
  DATABASES,
  type DatabaseSettings,
  type MailSettings,
  type MetricsSettings,
  type TrustProxy,
} from './settings.js';
import { isWritableFolder } from './writable-folder.js';

const DEFAULT_PORT = 3000;
const EMAIL = /^[^\s@:]+@[^\s@:]+$/;
/** At least 16 characters that a header can carry unchanged. */
const METRICS_TOKEN = /^[\x21-\x7e]{16,}$/;

/**
 * Reads the service's own settings one by one. If one is wrong it continues with the default, so that all problems
 * are reported.
 */
export class SettingsReader {
  readonly problems: ConfigurationProblem[] = [];
  readonly warnings: string[] = [];
  readonly isProduction: boolean;

  constructor(
    private readonly env: Environment,
    private readonly developmentKeys: DevelopmentKeys,
  ) {
    this.isProduction = env.text('NODE_ENV') === 'production';
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const given = this.env.text(name);
    const found = choices.find((candidate) => candidate === (given ?? fallback));
    return found ?? this.refuse(name, given, `give one of ${choices.join(', ')}`, fallback);
  }

  isOn(name: string, fallback: 'on' | 'off' = 'on'): boolean {
    return this.choice(name, fallback, ['on', 'off']) === 'on';
  }

  port(): number {
    const port = this.env.number('PORT') ?? DEFAULT_PORT;
    // The issuer, the cookie and the links of mail would name the port 0.
    const isKnown = port !== 0 || this.env.text('ISSUER') !== undefined;
    if (typeof port === 'number' && port <= 65535 && isKnown) return port;
    const fix = 'give a port number from 1 to 65535; 0, any free port, needs ISSUER';
    return this.refuse('PORT', port, fix, DEFAULT_PORT);
  }

  issuer(port: number): string {
    const issuer = this.env.text('ISSUER');
    if (issuer !== undefined) return issuer;
    const fallback = `http://localhost:${port}`;
    if (this.isProduction)
      this.warnings.push(
        `ISSUER is not set: tokens are issued for ${fallback}. Set it to the public URL of the service.`,
      );
    return fallback;
  }

  database(): DatabaseSettings {
    const uri = this.env.text('MONGODB_URI') ?? null;
    const choice = this.choice('DATABASE', 'auto', DATABASES);
    if (uri !== null && !isMongoUri(uri))
      this.refuse(
        'MONGODB_URI',
        '…',
        'give a URI that begins with mongodb:// or mongodb+srv://, user name and password encoded by encodeURIComponent, with options that the driver knows',
      );
    if (uri === null && (this.isProduction || choice === 'uri'))
      this.refuse(
        'MONGODB_URI',
        undefined,
        'give the connection string of your MongoDB, such as mongodb://db.example.com:27017/auth?replicaSet=rs0',
      );
    if (this.isProduction && (choice === 'embedded' || choice === 'memory-server'))
      this.refuse(
        'DATABASE',
        choice,
        'production needs a real MongoDB: leave DATABASE out and set MONGODB_URI',
      );
    return { choice, uri, buildsIndexes: true };
  }

  /** Refuses a folder in which the embedded database could not write. */
  databaseFolder({ choice, uri }: DatabaseSettings, dataDir: string): void {
    const isEmbedded = choice === 'embedded' || (choice === 'auto' && uri === null);
    if (!this.isProduction && isEmbedded && !isWritableFolder(join(dataDir, 'db')))
      this.refuseDataDir(dataDir);
  }

  /** Null: revocations are shared through MongoDB. */
  redis(): RedisSettings | null {
    const store = this.choice('REVOCATION_STORE', 'mongodb', ['mongodb', 'redis']);
    const url = this.env.text('REDIS_URL');
    if (store === 'mongodb') {
      if (url !== undefined)
        this.warnings.push('REDIS_URL is set but not used: set REVOCATION_STORE=redis, or remove it.');
      return null;
    }
    const redis = url === undefined ? null : parseRedisUrl(url);
    if (redis) return redis;
    // It may hold a password.
    const value = url === undefined ? undefined : '…';
    const fix =
      'give the URL of your Redis, such as redis://cache.example.com:6379, redis+sentinel://s1:26379,s2:26379/NAME or redis+cluster://n1:6379,n2:6379';
    return this.refuse('REDIS_URL', value, fix, null);
  }

  mail(issuer: string): MailSettings {
    const url = this.env.text('SMTP_URL');
    const sender = this.env.text('MAIL_FROM');
    const server = url === undefined ? null : parseSmtpUrl(url);
    const from = parseSender(sender ?? '');
    if (url !== undefined && !server)
      this.refuse(
        'SMTP_URL',
        withoutPassword(url),
        'give the URL of your mail server, such as smtps://user:password@mail.example.com:465 or smtp://mail.example.com:587, user name and password encoded by encodeURIComponent',
      );
    if ((url !== undefined || sender !== undefined) && !from)
      this.refuse('MAIL_FROM', sender, 'give the sender of mail, such as Example <no-reply@example.com>');
    if (url === undefined && sender !== undefined)
      this.warnings.push('MAIL_FROM is set but no mail is sent: set SMTP_URL, or remove it.');
    const smtp = server && from ? { server, from } : null;
    return { smtp, ...this.linked(issuer, smtp !== null) };
  }

  private linked(issuer: string, isMailSent: boolean): Pick<MailSettings, 'appUrl' | 'frontEnd'> {
    const given = this.env.text('APP_URL');
    // An invalid issuer is reported under its own name; the query and credentials of a valid one must not appear in
    // a link.
    const service = isPage(issuer) ? pageOf(issuer) : 'http://localhost';
    const own = { appUrl: service, frontEnd: null };
    if (given === undefined) {
      if (isMailSent && this.isProduction && this.env.text('ISSUER') === undefined)
        this.warnings.push(
          `Neither APP_URL nor ISSUER is set: mail links to ${service}. Set ISSUER to the public URL of the service, or APP_URL to that of a front end.`,
        );
      return own;
    }
    const url = isPage(given) ? new URL(given) : null;
    if (!url || url.search + url.hash + url.username !== '')
      return this.refuse(
        'APP_URL',
        given,
        'give the URL of the front end, such as https://app.example.com',
        own,
      );
    const isService = withoutSlash(url.href) === withoutSlash(service);
    return { appUrl: url.href, frontEnd: isService ? null : url.href };
  }

  keys(name: string, kind: TokenKind, dataDir: string): KeySource {
    try {
      const given = this.env.text(name);
      if (given !== undefined) {
        const { keys, path, warning } = readKeySet(given);
        if (warning) this.warnings.push(`${name} ${warning}`);
        // From now on the variable names a file, even if that is missing for a moment: its path must not become a secret.
        return { path, keys, readAgain: () => (path === null ? keys : readKeySet(`file:${path}`).keys) };
      }
      if (!this.isProduction) {
        this.warnings.push(
          `${name} is not set: using development keys kept in ${dataDir}. Never do this in production.`,
        );
        const path = developmentKeyFile(dataDir);
        if (!existsSync(path) && !isWritableFolder(dataDir)) return this.withoutFolder(dataDir);
        const keys = this.developmentKeys(dataDir, kind);
        return { path, keys, readAgain: () => storedDevelopmentKeys(path, kind) };
      }
      this.refuse(
        name,
        undefined,
        `give a secret of at least 32 random bytes: node -p "crypto.randomBytes(48).toString('base64url')"`,
      );
    } catch (error) {
      if (isSystemError(error)) return this.withoutFolder(dataDir);
      if (!(error instanceof KeyFileError)) throw error;
      const fix = error.message.replace('with silent-auth keys generate', 'by npm run keys -- generate');
      this.problems.push({ key: name, value: '(keys)', fix });
    }
    return { path: null, keys: [], readAgain: () => [] };
  }

  /** The demo page loses answers and steals tokens on purpose. */
  demo(): boolean {
    const isOn = this.isOn('DEMO', this.isProduction ? 'off' : 'on');
    if (isOn && this.isProduction)
      this.refuse('DEMO', 'on', 'the demo page steals tokens on purpose: leave DEMO out in production');
    return isOn;
  }

  trustProxy(): TrustProxy {
    const text = this.env.text('TRUST_PROXY');
    const flag = this.env.flag('TRUST_PROXY') ?? false;
    if (typeof flag === 'boolean' && !/^[01]$/.test(text ?? '')) return flag;
    const hops = this.env.number('TRUST_PROXY');
    if (typeof hops === 'number') return hops;
    const proxies = this.env.list('TRUST_PROXY') ?? [];
    if (proxies.length > 0 && proxies.every(isNetwork)) return proxies;
    const fix = 'give true, false, a number of hops, or addresses and networks such as 10.0.0.0/8';
    return this.refuse('TRUST_PROXY', text, fix, false);
  }

  /** Development always has an administrator; production has one only if the operator chose a password. */
  administrator(): AdminSettings | null {
    const given = this.env.text('ADMIN_EMAIL');
    const password = this.env.text('ADMIN_PASSWORD') ?? null;
    const email = given ?? (this.isProduction ? undefined : 'admin@example.com');
    if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email))
      this.refuse('ADMIN_EMAIL', email, 'give an e-mail address, such as admin@example.com');
    if (this.isProduction && (given === undefined) !== (password === null))
      this.warnings.push(
        'ADMIN_EMAIL and ADMIN_PASSWORD go together, but only one is set: no administrator is created.',
      );
    return email === undefined || (this.isProduction && password === null) ? null : { email, password };
  }

  /** In production only clients with the token may read metrics; without a token there is no `/metrics`. */
  metrics(): MetricsSettings | null {
    const token = this.env.text('METRICS_TOKEN') ?? null;
    if (token !== null && !METRICS_TOKEN.test(token))
      this.problems.push({
        key: 'METRICS_TOKEN',
        value: '(secret)',
        fix: `give at least 16 visible ASCII characters: node -p "crypto.randomBytes(24).toString('base64url')"`,
      });
    return this.isProduction && token === null ? null : { token };
  }

  /** As URIs: an address becomes `mailto:`. */
  securityContacts(): string[] {
    const given = this.env.list('SECURITY_CONTACT') ?? [];
    const contacts = given.map((text) => (EMAIL.test(text) ? `mailto:${text}` : text));
    if (contacts.every(isContact)) return contacts;
    const fix =
      'give e-mail addresses or URIs that begin with https://, mailto: or tel:, separated by commas';
    return this.refuse('SECURITY_CONTACT', this.env.text('SECURITY_CONTACT'), fix, []);
  }

  /** Random keys, so that no further problem is reported. */
  private withoutFolder(dataDir: string): KeySource {
    this.refuseDataDir(dataDir);
    return { path: null, keys: [newSecret()], readAgain: () => [] };
  }

  private refuseDataDir(dataDir: string): void {
    if (this.problems.some(({ key }) => key === 'DATA_DIR')) return;
    this.refuse('DATA_DIR', dataDir, 'cannot be written: give a folder that this user may write');
  }

  private refuse<T>(key: string, value: string | number | undefined, fix: string, fallback?: T): T {
    this.problems.push({ key, value: value === undefined ? '(not set)' : `'${value}'`, fix });
    return fallback as T;
  }
}

/** An error of the file system. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function hasProtocol(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol);
}

/** RFC 9116 §2.5.3; visible ASCII only, so that no value begins a line of its own. */
function isContact(text: string): boolean {
  return (
    /^[\x21-\x7e]+$/.test(text) &&
    (hasProtocol(text, /^https:$/) || /^(?:mailto:[^@]+@[^@]+|tel:\+?[\d-]+)$/.test(text))
  );
}

function isPage(text: string): boolean {
  return hasProtocol(text, /^https?:$/);
}

function pageOf(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}

/**
 * Whether the driver can parse the URI; it does not connect. The driver's message is not shown, as it may quote the
 * password.
 */
function isMongoUri(uri: string): boolean {
  try {
    return Boolean(new mongoose.mongo.MongoClient(uri));
  } catch {
    return false;
  }
}

/** An address, a network (`10.0.0.0/8`), or one of the network names that Express and Fastify know. */
function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
